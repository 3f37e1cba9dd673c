// A frame of the platform's page keeps for us, and finds again, what a cookie would hold (1EdTech LTI Client Side postMessages
// 0.1, LTI postMessage Storage 0.1). Where none answers within a second, the launch goes on without.
const patience = 1000;

// Only the platform is told, and only the platform is believed.
function say({origin, frame}, message) {
  return new Promise((resolve, reject) => {
    const id = crypto.randomUUID();
    addEventListener("message", ({origin: from, data}) => {
      if (from !== origin || data?.message_id !== id || data.subject !== `${message.subject}.response`) return;
      if (data.error) reject(new Error("refused"));
      else resolve(data.value);
    });
    setTimeout(reject, patience, new Error("no answer"));
    const target = frame === "_parent" ? parent : parent.frames[frame];
    target.postMessage({...message, message_id: id}, origin);
  });
}

const keep = document.getElementById("keep");
if (keep) {
  const {key, value} = keep.dataset;
  await say(keep.dataset, {subject: "lti.put_data", key, value}).catch(() => {});
  location.replace(keep.href);
}

const ask = document.getElementById("ask");
if (ask) {
  const card = ask.closest("section");
  card.hidden = true;  // its button is for when nothing is found
  try {
    const {key, field} = ask.dataset;
    const value = await say(ask.dataset, {subject: "lti.get_data", key});
    if (typeof value !== "string" || value === "") throw new Error("nothing is kept");
    const input = document.createElement("input");
    Object.assign(input, {type: "hidden", name: field, value});
    ask.append(input);
    ask.submit();
  } catch {
    card.hidden = false;
  }
}
