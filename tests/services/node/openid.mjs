// An OpenID provider (oidc-provider) for the tests. It prints {"port": N}; then each line of JSON on its input is a
// change, {"clients": [...], "accounts": {...}, "rotate": true}, answered by a line when it holds. It ends with its input.
import "./older.mjs";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import Provider from "oidc-provider";

const state = { clients: [], accounts: {}, keys: [], provider: null };
const server = createServer((request, response) => answer(request, response));
let port;

function newKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
}

const page = (title, body) =>
  `<!doctype html><html lang="en"><title>${title}</title><meta name="viewport" content="width=device-width">` +
  `<link rel="icon" href="/favicon.ico"><h1>${title}</h1>${body}`;

function build() {
  state.provider = new Provider(`http://127.0.0.1:${port}`, {
    clients: state.clients,
    jwks: { keys: state.keys },
    // Browsers don't tell the ports of a host apart: each provider's cookies have names of their own.
    cookies: {
      keys: ["only for tests"],
      names: { session: `session${port}`, interaction: `interaction${port}`, resume: `resume${port}` },
    },
    claims: {
      openid: ["sub"],
      email: ["email", "email_verified"],
      profile: ["preferred_username", "given_name", "family_name"],
      groups: ["groups"],
    },
    scopes: ["openid", "offline_access"],
    pkce: { required: () => true },
    fetch: (url, options) => fetch(url, { ...options, dispatcher: undefined }), // its own refuses loopback addresses
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (ctx, form) => {
          ctx.body = page(
            "Sign out of the provider?",
            `${form}<button form="op.logoutForm" name="logout" value="yes">Yes, sign out</button>`,
          );
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = page("Signed out of the provider", "");
        },
      },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    async findAccount(_ctx, id) {
      const claims = state.accounts[id];
      return claims && { accountId: id, claims: () => ({ sub: id, ...claims }) };
    },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId,
        accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope([...ctx.oidc.requestParamScopes].join(" "));
      await grant.save();
      return grant;
    },
    renderError: (ctx, out) => {
      ctx.body = page("Provider error", `<p>${out.error}: ${out.error_description}`.replaceAll("&", "&amp;"));
    },
    ttl: { AccessToken: 600, AuthorizationCode: 60, IdToken: 600, Interaction: 600, Session: 3600, Grant: 3600 },
  });
  // The browsers' sessions survive a change: they are kept outside of this object.
  state.callback = state.provider.callback();
}

const text = async (request) => {
  let body = "";
  for await (const part of request) body += part;
  return body;
};

async function answer(request, response) {
  if (request.url === "/favicon.ico") return response.writeHead(204).end();
  if (!request.url.startsWith("/interaction/")) return state.callback(request, response);
  try {
    const details = await state.provider.interactionDetails(request, response);
    const typed = request.method === "POST" ? new URLSearchParams(await text(request)) : new URLSearchParams();
    if (typed.has("cancel")) {
      const result = { error: "access_denied", error_description: "The person declined." };
      return await state.provider.interactionFinished(request, response, result);
    }
    if (state.accounts[typed.get("login")]) {
      const result = { login: { accountId: typed.get("login"), amr: ["pwd"] } };
      return await state.provider.interactionFinished(request, response, result);
    }
    const body =
      `<p>Asked: ${details.prompt.name}</p><form method="post"><label>Login <input name="login" autofocus></label>` +
      `<button>Continue</button><button name="cancel" value="1">Cancel</button></form>`;
    response.writeHead(200, { "content-type": "text/html" }).end(page("Provider sign-in", body));
  } catch (error) {
    response.writeHead(400, { "content-type": "text/plain" }).end(String(error));
  }
}

server.listen(0, "127.0.0.1", () => {
  port = server.address().port;
  state.keys = [newKey()];
  build();
  console.log(JSON.stringify({ port }));
});

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const { rotate, ...changes } = JSON.parse(line);
  Object.assign(state, changes);
  if (rotate) state.keys = [newKey()];
  build();
  console.log("{}");
});
input.on("close", () => process.exit(0));
