// Stands in for configurable-http-proxy's own module while its specs run: a ConfigurableProxy that starts the program in
// PASSERELLE as `proxy` and reaches it over its REST API. What a spec sets as a property becomes a flag and a restart.
// Activity is put into the past by libfaketime: the route is POSTed again while the program's clock is set back.

import { spawn } from "node:child_process";
import { EventEmitter } from "node:events";
import fs from "node:fs";
import http from "node:http";
import os from "node:os";
import path from "node:path";

const PROGRAM = process.env.PASSERELLE;
const FAKETIME = process.env.FAKETIME_LIBRARY;
const running = new Set();
process.on("exit", () => running.forEach((child) => child.kill("SIGKILL")));

export function parseListenOptions(args) {
  const port = args.socket ? undefined : args.port || 8000;
  const api = args.apiSocket ? [args.apiSocket] : [args.apiPort || (port ? port + 1 : 8001), args.apiIp];
  const listen = { port, ip: args.ip, apiTarget: api };
  listen.proxyTarget = args.socket ? [args.socket] : [port, args.ip];
  if (args.metricsSocket) listen.metricsTarget = [args.metricsSocket];
  return listen;
}

const escaped = (key) => key.split("/").map(encodeURIComponent).join("/");
const clean = (key) => "/" + key.replace(/^\/|\/$/g, "");
const revived = (route) => ({ ...route, last_activity: new Date(route.last_activity) });

/// Looks like a server of Node's; `close` ends the program.
class Side extends EventEmitter {
  constructor(proxy) {
    super();
    this.proxy = proxy;
  }
  listen(...place) {
    this.place = place;
    this.proxy.begin();
  }
  close(done) {
    this.proxy.end().then(done);
  }
  closeAllConnections() {}
}

export class ConfigurableProxy extends EventEmitter {
  constructor(options) {
    super();
    this.options = options;
    this.authToken = options.authToken;
    this.folder = fs.mkdtempSync(path.join(os.tmpdir(), "passerelle-specs-"));
    this.known = new Map(); // what a restart has to tell the program again
    this.flags = {};
    this.chain = Promise.resolve();
    this.proxyServer = new Side(this);
    this.apiServer = new Side(this);
    this.metricsServer = new Side(this);
    const set = (name) => (value) => {
      this.flags[name] = value;
      this.stale = true;
    };
    const flag = (target, name) => Object.defineProperty(target, name, { set: set(name), configurable: true });
    ["includePrefix", "hostRouting", "errorPath"].forEach((name) => flag(this, name));
    this.proxy = { options: {} };
    flag(this.proxy.options, "prependPath");
    this._routes = {
      get: (key) => this.turn(() => this.get(key)),
      update: (key, { last_activity }) => this.turn(() => this.setActivity(key, last_activity)),
    };
  }

  /// One thing after the other, each with the program as the spec wants it.
  turn(what) {
    const done = this.chain.then(async () => {
      if (this.stale && this.child) await this.restart();
      return what();
    });
    this.chain = done.catch(() => {});
    return done;
  }

  addRoute(key, data) {
    return this.turn(async () => {
      key = clean(key);
      this.known.set(key, { data });
      if (this.child) await this.post(key);
    });
  }

  removeRoute(key) {
    return this.turn(async () => {
      this.known.delete(clean(key));
      if (this.child) await this.api("DELETE", key);
    });
  }

  /// Seen from outside: which of the targets answers.
  targetForReq({ url }) {
    return this.turn(async () => {
      const told = JSON.parse((await this.api("GET", "")).body);
      const helpers = await Promise.all(Object.entries(told).map(([prefix, route]) => answering(prefix, route.target)));
      const port = this.proxyServer.place[0];
      const answer = await request({ host: "127.0.0.1", port, path: url });
      helpers.forEach((server) => server && server.close());
      const { path: prefix, target } = JSON.parse(answer.body);
      return { prefix, target };
    });
  }

  begin() {
    if (!this.proxyServer.place || !this.apiServer.place) return;
    if (this.options.enableMetrics && !this.metricsServer.place) return;
    this.turn(() => this.start()).then(() => {
      [this.proxyServer, this.apiServer, this.metricsServer].forEach((side) => side.emit("listening"));
    });
  }

  async get(key) {
    if (!this.child) {
      this.proxyServer.place = [0, "127.0.0.1"];
      this.apiServer.place = [18913, "127.0.0.1"];
      await this.start();
    }
    const answer = await this.api("GET", key);
    const told = answer.status === 404 ? undefined : JSON.parse(answer.body);
    const route = key === "/" ? told["/"] : told; // the API answers "/" with all routes
    return route && revived(route);
  }

  async setActivity(key, date) {
    this.known.get(clean(key)).activity = date;
    if (this.child) await this.post(clean(key));
  }

  async post(key) {
    const { data, activity } = this.known.get(key);
    const behind = activity ? Math.round((Date.now() - activity.getTime()) / 1000) : 0;
    fs.writeFileSync(path.join(this.folder, "clock"), `-${behind}\n`);
    await this.api("POST", key, JSON.stringify(data));
    fs.writeFileSync(path.join(this.folder, "clock"), "+0\n");
  }

  api(method, key, body) {
    const [port, host] = this.apiServer.place;
    const place = typeof port === "string" ? { socketPath: port } : { port, host: host || "127.0.0.1" };
    const headers = { Authorization: `token ${this.authToken}` };
    return request({ ...place, method, path: "/api/routes" + escaped(key), headers }, body);
  }

  async start() {
    fs.writeFileSync(path.join(this.folder, "clock"), "+0\n");
    const env = { ...process.env, CONFIGPROXY_AUTH_TOKEN: this.authToken || "" };
    env.LD_PRELOAD = FAKETIME;
    env.FAKETIME_TIMESTAMP_FILE = path.join(this.folder, "clock");
    env.FAKETIME_NO_CACHE = env.FAKETIME_DONT_FAKE_MONOTONIC = "1";
    this.child = spawn(PROGRAM, ["proxy", ...this.arguments()], { env, stdio: ["ignore", "pipe", "inherit"] });
    running.add(this.child);
    this.child.on("exit", () => running.delete(this.child));
    await new Promise((resolve, reject) => {
      let log = "";
      this.child.stdout.on("data", (data) => {
        log += data;
        if (log.includes("Proxy API at")) resolve();
      });
      this.child.on("exit", (code) => reject(new Error(`the program ended with ${code}: ${log}`)));
    });
    for (const key of this.known.keys()) await this.post(key);
  }

  async restart() {
    this.stale = false;
    await this.end();
    await this.start();
  }

  async end() {
    const child = this.child;
    this.child = undefined;
    if (!child || child.exitCode !== null) return;
    await new Promise((resolve) => {
      child.removeAllListeners("exit");
      child.on("exit", resolve);
      child.kill("SIGKILL");
    });
    running.delete(child);
  }

  arguments() {
    const { options, flags } = this;
    const place = ([port, ip], prefix) =>
      typeof port === "string" ? [`--${prefix}socket`, port] : [`--${prefix}port`, `${port}`, `--${prefix}ip`, ip || ""];
    const out = [...place(this.proxyServer.place, ""), ...place(this.apiServer.place, "api-")];
    if (options.defaultTarget) out.push("--default-target", options.defaultTarget);
    if (options.errorTarget) out.push("--error-target", options.errorTarget);
    if (options.autoRewrite) out.push("--auto-rewrite");
    if (options.protocolRewrite) out.push("--protocol-rewrite", options.protocolRewrite);
    for (const name of Object.keys(options.clientSsl || {})) {
      const file = path.join(this.folder, name);
      fs.writeFileSync(file, options.clientSsl[name]);
      out.push(`--client-ssl-${name}`, file);
    }
    if (flags.includePrefix === false) out.push("--no-include-prefix");
    if (flags.prependPath === false) out.push("--no-prepend-path");
    if (flags.hostRouting) out.push("--host-routing");
    if (flags.errorPath) out.push("--error-path", flags.errorPath);
    return out;
  }
}

function request(options, body) {
  return new Promise((resolve, reject) => {
    const asked = http.request({ agent: false, ...options }, (response) => {
      let text = "";
      response.on("data", (data) => (text += data));
      response.on("end", () => resolve({ status: response.statusCode, body: text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/// A server in the place of a target that nobody serves; nothing if somebody does.
function answering(prefix, target) {
  const server = http.createServer((_, response) => response.end(JSON.stringify({ path: prefix, target })));
  return new Promise((resolve) => {
    server.on("error", () => resolve());
    server.listen(new URL(target).port, "127.0.0.1", () => resolve(server));
  });
}

export default ConfigurableProxy;
