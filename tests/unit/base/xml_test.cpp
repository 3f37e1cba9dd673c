#include "base/xml.hpp"

#include <gtest/gtest.h>

namespace passerelle {
namespace {

std::string why(std::string_view document) {
  const auto read = read_xml(document);
  return read ? "" : read.error().message();
}

TEST(Xml, ReadsNamespacesTextAndAttributes) {
  const auto root = read_xml(
      "<?xml version='1.0' encoding='ISO-8859-1'?>"
      "<c:a xmlns:c='urn:c' xmlns='urn:d'><b x='1' c:x='2'>Zo\xE9 &amp;<!-- c --> "
      "<![CDATA[<b>]]></b></c:a>");
  ASSERT_TRUE(root);
  EXPECT_TRUE(root->is("urn:c", "a"));
  const XmlElement* b = root->only("urn:d", "b");
  ASSERT_NE(b, nullptr);
  EXPECT_EQ(b->text, "Zo\xC3\xA9 & <b>");
  EXPECT_EQ(b->attribute("x"), "1");
  EXPECT_EQ(b->attribute("y"), "");
  EXPECT_EQ(root->only("", "b"), nullptr);
  EXPECT_EQ(root->only("urn:c", "b"), nullptr);
}

TEST(Xml, OnlyMeansOne) {
  const auto root = read_xml("<a><b/><b/></a>");
  EXPECT_EQ(root->only("", "b"), nullptr);
}

// A billion laughs, a file of ours, a DTD of theirs: all begin with a document type.
TEST(Xml, ADocumentTypeIsRefused) {
  for (const char* document : {"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
                               "<!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
                               "<!DOCTYPE a SYSTEM 'http://192.0.2.1/a.dtd'><a/>"})
    EXPECT_EQ(why(document), "XML: it has a document type") << document;
  EXPECT_NE(why("<a>&x;</a>"), "");
}

TEST(Xml, WhatIsNotWellFormedIsRefused) {
  for (const char* document :
       {"", " ", "a", "<a>", "<a></b>", "<a/><b/>", "<a x='1' x='2'/>", "<p:a/>", "<a>\x01</a>",
        "<a>\xFF</a>", "<a/>\n&amp;", "<a><?php x ?></a>", "yes\nalice\n", "{\"user\":\"alice\"}"})
    EXPECT_NE(why(document), "") << document;
}

TEST(Xml, IsBounded) {
  std::string deep;
  for (int i = 0; i < 33; ++i) deep += "<a>";
  EXPECT_EQ(why(deep), "XML: nested too deeply");
  std::string wide = "<a>";
  for (int i = 0; i < 10'000; ++i) wide += "<b/>";
  EXPECT_EQ(why(wide + "</a>"), "XML: too many elements");
  std::string many = "<a";
  for (int i = 0; i < 65; ++i) many += " x" + std::to_string(i) + "=''";
  EXPECT_EQ(why(many + "/>"), "XML: too many attributes");
  EXPECT_EQ(why("<a>" + std::string(256 * 1024, 'x') + "</a>"), "XML: longer than 256 KiB");
}

}  // namespace
}  // namespace passerelle
