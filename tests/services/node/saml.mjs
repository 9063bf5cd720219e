// A SAML identity provider (samlp) for the tests. It prints {"port": N}; then each line of JSON on its input is a change,
// {"key": "…", "cert": "…", "accounts": {…}, "parties": {…}, …}, answered by a line when it holds. It ends with its input.
import { createPublicKey, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import samlp from "samlp";
import SessionParticipants from "samlp/lib/sessionParticipants/index.js";

process.noDeprecation = true; // samlp's own
const REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
// accounts: login → {nameId, format, attributes}; parties: entity id → {acs, slo, cert}; encrypt: they get encrypted
// assertions; signed: requests must be signed; response, assertion: what the provider signs.
const state = { accounts: {}, parties: {}, encrypt: false, signed: false, response: false, assertion: true };
const sessions = new Map(); // the cookie's value → {login, index, parties}
const transactions = new Map(); // logouts under way
const posted = new Map(); // requests that came as forms
let issuer;

const store = {
  save: (_req, value, done) => {
    const id = randomUUID();
    transactions.set(id, value);
    done(null, id);
  },
  load: (_req, id, options, done) => {
    const value = transactions.get(id);
    if (typeof options !== "function" && options.destroy) transactions.delete(id);
    (typeof options === "function" ? options : done)(null, value);
  },
  update: (_req, id, value, done) => {
    transactions.set(id, value);
    done(null);
  },
};

class Mapper {
  constructor(login) {
    this.account = state.accounts[login];
  }
  getClaims() {
    return this.account.attributes ?? {};
  }
  getNameIdentifier() {
    return { nameIdentifier: this.account.nameId, nameIdentifierFormat: this.account.format };
  }
}
Mapper.prototype.metadata = [];

const escape = (text) => String(text).replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;");
const page = (title, body) =>
  `<!doctype html><html lang="en"><title>${title}</title><meta name="viewport" content="width=device-width">` +
  `<link rel="icon" href="/favicon.ico"><h1>${title}</h1>${body}`;

const text = async (request) => {
  let body = "";
  for await (const part of request) body += part;
  return body;
};

// What samlp expects of its web framework.
function dress(request, response, url, body) {
  Object.assign(request, { query: Object.fromEntries(url.searchParams), body, protocol: "http", originalUrl: request.url });
  response.set = (name, value) => response.setHeader(name, value);
  response.redirect = (target) => response.writeHead(302, { location: target }).end();
  response.send = (content) => {
    if (typeof content === "number") return response.writeHead(content, { "content-type": "text/html" }).end(page("Signed out of the provider", ""));
    return response.end(content);
  };
}

function answerSignIn(session, request, response, party, next) {
  const encryption = state.encrypt
    ? {
        encryptionCert: party.cert,
        encryptionPublicKey: createPublicKey(party.cert).export({ type: "spki", format: "pem" }),
        encryptionAlgorithm: "http://www.w3.org/2009/xmlenc11#aes256-gcm",
      }
    : {};
  samlp.auth({
    issuer,
    key: state.key,
    cert: state.cert,
    profileMapper: (login) => new Mapper(login),
    getUserFromRequest: () => session.login,
    getPostURL: (_audience, _dom, _request, done) => done(null, party.acs),
    recipient: party.acs,
    destination: party.acs,
    audience: party.entityId,
    lifetimeInSeconds: 300,
    sessionIndex: session.index,
    signResponse: state.response,
    signAssertion: state.assertion,
    ...(state.signed ? { signingCert: party.cert } : {}),
    ...encryption,
  })(request, response, next);
  if (session.parties._participants.every((one) => one.serviceProviderId !== party.entityId))
    session.parties._participants.push({
      serviceProviderId: party.entityId,
      sessionIndex: session.index,
      nameId: state.accounts[session.login].nameId,
      nameIdFormat: state.accounts[session.login].format,
      serviceProviderLogoutURL: party.slo,
      binding: REDIRECT,
      cert: party.cert,
    });
}

function partyOf(request, done) {
  if (request.query.party) return done(null, state.parties[request.query.party]);
  samlp.parseRequest(request, (error, found) => done(error, found && state.parties[found.issuer]));
}

// ForceAuthn: whoever is signed in is asked as well.
const forced = (request) =>
  new Promise((done) => {
    samlp.parseRequest(request, (_error, found) => done(found?.forceAuthn === "true"));
  });

async function answer(request, response) {
  const url = new URL(request.url, issuer);
  const body = request.method === "POST" ? Object.fromEntries(new URLSearchParams(await text(request))) : {};
  dress(request, response, url, body);
  const fail = (error) => response.writeHead(400, { "content-type": "text/plain" }).end(String(error));
  const cookie = /(?:^|; )idp=([^;]+)/.exec(request.headers.cookie ?? "")?.[1];
  const session = sessions.get(cookie);
  if (url.pathname === "/favicon.ico") return response.writeHead(204).end();
  if (url.pathname === "/metadata")
    return samlp.metadata({
      issuer, cert: state.cert, profileMapper: Mapper, redirectEndpointPath: "/sso", postEndpointPath: "/sso-post",
      logoutEndpointPaths: { redirect: "/logout" },
    })(request, response);
  if (url.pathname === "/sign-in" && state.accounts[body.login]) {
    const id = randomUUID();
    const parties = session?.login === body.login ? session.parties : new SessionParticipants();
    sessions.set(id, { login: body.login, index: session?.index ?? randomUUID(), parties, asked: body.next });
    return response.writeHead(303, { location: body.next, "set-cookie": `idp=${id}; HttpOnly; Path=/` }).end();
  }
  if (url.pathname === "/sso-post") {
    // What was posted waits for the person to sign in.
    const id = randomUUID();
    posted.set(id, body);
    return response.writeHead(303, { location: `/sso?posted=${id}` }).end();
  }
  if (url.pathname === "/sso") {
    if (posted.has(request.query.posted)) {
      Object.assign(request, { method: "POST", body: posted.get(request.query.posted), query: {} });
    }
    if (!session || ((await forced(request)) && session.asked !== request.url)) {
      response.setHeader("content-type", "text/html");
      const form =
        `<form method="post" action="/sign-in"><input type="hidden" name="next" value="${escape(request.url)}">` +
        `<label>Login <input name="login" autofocus></label><button>Continue</button></form>`;
      return response.end(page("Provider sign-in", form));
    }
    return partyOf(request, (error, party) =>
      error || !party
        ? fail(error ?? "This service is not registered here.")
        : answerSignIn(session, request, response, party, fail),
    );
  }
  if (url.pathname === "/logout")
    return samlp.logout({
      issuer, key: state.key, cert: state.cert, store, deflate: true, protocolBinding: REDIRECT,
      sessionParticipants: session?.parties ?? new SessionParticipants(),
      clearIdPSession: (done) => {
        sessions.delete(cookie);
        done();
      },
    })(request, response, fail);
  return response.writeHead(404).end();
}

const server = createServer((request, response) => {
  answer(request, response).catch((error) => response.writeHead(500).end(String(error)));
});
server.listen(0, "127.0.0.1", () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  console.log(JSON.stringify({ port: server.address().port }));
});
const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  Object.assign(state, JSON.parse(line));
  console.log("{}");
});
input.on("close", () => process.exit(0));
