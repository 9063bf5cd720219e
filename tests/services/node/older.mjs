// What oidc-provider expects of newer versions of Node.js and Debian 12's (18) lacks. Imported before it.
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto;
URL.parse ??= (url, base) => {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
};
