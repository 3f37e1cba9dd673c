#include "base/xml.hpp"

#include <memory>
#include <optional>

#include <expat.h>

namespace passerelle {
namespace {

constexpr std::size_t kMostBytes = 256U * 1024U;
constexpr std::size_t kMostLevels = 32;
constexpr std::size_t kMostElements = 10'000;
constexpr std::size_t kMostAttributes = 64;
constexpr XML_Char kBetween = '\n';  // between a namespace and a name: can stand in neither

/// What expat calls back into. Elements are finished inside out: the last one open is at the back.
struct Reading {
  XML_Parser parser;
  std::vector<XmlElement> open;
  std::optional<XmlElement> root;
  std::size_t elements = 0;
  std::string_view refused = {};

  void refuse(std::string_view why) {
    if (refused.empty()) refused = why;
    XML_StopParser(parser, XML_FALSE);
  }
};

Reading& of(void* data) {
  return *static_cast<Reading*>(data);
}

void split_name(std::string_view whole, std::string& space, std::string& name) {
  const std::size_t cut = whole.rfind(kBetween);
  if (cut != std::string_view::npos) space = whole.substr(0, cut);
  name = cut == std::string_view::npos ? whole : whole.substr(cut + 1);
}

void XMLCALL begin(void* data, const XML_Char* name, const XML_Char** attributes) {
  Reading& reading = of(data);
  if (reading.open.size() == kMostLevels) return reading.refuse("nested too deeply");
  if (++reading.elements > kMostElements) return reading.refuse("too many elements");
  XmlElement element;
  split_name(name, element.space, element.name);
  for (; *attributes != nullptr; attributes += 2) {
    if (element.attributes.size() == kMostAttributes) return reading.refuse("too many attributes");
    if (std::string_view(*attributes).find(kBetween) == std::string_view::npos)
      element.attributes.emplace_back(attributes[0], attributes[1]);
  }
  reading.open.push_back(std::move(element));
}

void XMLCALL end(void* data, const XML_Char*) {
  Reading& reading = of(data);
  if (reading.open.empty()) return;
  XmlElement done = std::move(reading.open.back());
  reading.open.pop_back();
  if (reading.open.empty())
    reading.root = std::move(done);
  else
    reading.open.back().children.push_back(std::move(done));
}

void XMLCALL text_of(void* data, const XML_Char* bytes, int count) {
  Reading& reading = of(data);
  if (!reading.open.empty())
    reading.open.back().text.append(bytes, static_cast<std::size_t>(count));
}

void XMLCALL document_type(void* data, const XML_Char*, const XML_Char*, const XML_Char*, int) {
  of(data).refuse("it has a document type");
}

void XMLCALL instruction(void* data, const XML_Char*, const XML_Char*) {
  of(data).refuse("it has a processing instruction");
}

}  // namespace

const XmlElement* XmlElement::only(std::string_view wanted_space,
                                   std::string_view wanted_name) const noexcept {
  const XmlElement* found = nullptr;
  for (const XmlElement& child : children) {
    if (!child.is(wanted_space, wanted_name)) continue;
    if (found != nullptr) return nullptr;
    found = &child;
  }
  return found;
}

std::string_view XmlElement::attribute(std::string_view wanted) const noexcept {
  for (const auto& [key, value] : attributes)
    if (key == wanted) return value;
  return {};
}

Result<XmlElement> read_xml(std::string_view document) {
  if (document.size() > kMostBytes) return Error(Errc::invalid, "XML: longer than 256 KiB");
  const std::unique_ptr<XML_ParserStruct, decltype(&XML_ParserFree)> parser(
      XML_ParserCreateNS(nullptr, kBetween), &XML_ParserFree);
  if (!parser) return Error(Errc::internal, "XML: no memory");
  Reading reading{parser.get(), {}, {}, 0};
  XML_SetUserData(parser.get(), &reading);
  XML_SetElementHandler(parser.get(), begin, end);
  XML_SetCharacterDataHandler(parser.get(), text_of);
  XML_SetStartDoctypeDeclHandler(parser.get(), document_type);
  XML_SetProcessingInstructionHandler(parser.get(), instruction);
  const bool fine = XML_Parse(parser.get(), document.data(), static_cast<int>(document.size()),
                              XML_TRUE) == XML_STATUS_OK;
  if (!reading.refused.empty()) return Error(Errc::invalid, "XML: " + std::string(reading.refused));
  if (!fine || !reading.root) {
    return Error(Errc::invalid,
                 "XML: " + std::string(XML_ErrorString(XML_GetErrorCode(parser.get()))) +
                     " in line " + std::to_string(XML_GetCurrentLineNumber(parser.get())));
  }
  return *std::move(reading.root);
}

}  // namespace passerelle
