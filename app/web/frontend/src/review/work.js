// What is asked of the server: leases, and verdicts that are written behind. A verdict has a key of its own, so that a
// repetition is harmless; it is kept in the browser until the server has it.

const RENEW_MS = 5 * 60_000;
const AGAIN_MS = 1_500;
export const UNDO_DEEP = 20;

/** The answer as JSON. Throws Error with the sentence of the problem, and its `status` (0 where no answer came). */
export async function ask(path, method = "GET", body = undefined, more = {}) {
  let response;
  try {
    response = await fetch(path, { method, headers: { Accept: "application/json", ...(body ? { "Content-Type": "application/json" } : {}) }, body: body ? JSON.stringify(body) : undefined, ...more });
  } catch {
    throw Object.assign(new Error("The hub does not answer just now."), { status: 0 });
  }
  const told = await response.json().catch(() => ({}));
  if (!response.ok) throw Object.assign(new Error(told.detail ?? `The hub answered ${response.status}.`), { status: response.status });
  return told;
}

/** A key that nobody else makes; `crypto.randomUUID` is there on https alone. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Work {
  constructor(root, asked, kept, { failed }) {
    this.root = root;
    this.asked = asked;
    this.kept = kept;
    this.failed = failed;
    this.skipped = [];
    this.giving = new Map(); // client key → promise of the verdict's key, or null
    this.held = () => [];
    this.end = false;
    setInterval(() => this.lease({ renew: this.held() }).catch(() => {}), RENEW_MS);
    addEventListener("pagehide", () => this.leave());
    for (const waiting of kept.value.pending) this.send(waiting, 1);
  }

  lease(body, more = {}) {
    const skip = this.skipped.splice(0);
    return ask(`${this.root}/api/queue/leases`, "POST", { ...body, ...(skip.length ? { skip } : {}) }, more).catch((error) => {
      if (error.status !== 400) this.skipped.unshift(...skip);
      throw error;
    });
  }

  /** The next items, behind those in hand. */
  async take(number) {
    const { items } = await this.lease({ ...this.asked, take: number, have: this.held() });
    this.end = items.length === 0;
    return items;
  }

  pass(item) {
    this.skipped.push({ annotation: item.key, version: item.version });
    if (this.skipped.length >= 5) this.lease({}).catch(() => {});
  }

  leave() {
    const skip = this.skipped.splice(0);
    const body = JSON.stringify({ giveBack: this.held(), skip });
    fetch(`${this.root}/api/queue/leases`, { method: "POST", headers: { "Content-Type": "application/json" }, body, keepalive: true }).catch(() => {});
  }

  /** Give a verdict behind the person's back: what they see goes on. */
  give(item, verdict) {
    const given = { item, verdict: { annotation: item.key, version: item.version, clientKey: newKey(), ...verdict } };
    this.kept.change("pending", [...this.kept.value.pending, given]);
    this.kept.change("undo", [...this.kept.value.undo, { clientKey: given.verdict.clientKey, key: "", item }].slice(-UNDO_DEEP));
    this.send(given, 1);
    return given.verdict.clientKey;
  }

  send(given, retries) {
    const { clientKey } = given.verdict;
    const sent = this.deliver(given, retries);
    this.giving.set(clientKey, sent);
    sent.finally(() => this.giving.delete(clientKey));
  }

  async deliver(given, retries) {
    const { clientKey } = given.verdict;
    try {
      const { key } = await ask(`${this.root}/api/verdicts`, "POST", given.verdict, { keepalive: JSON.stringify(given.verdict).length < 60_000 });
      this.forget(clientKey);
      this.kept.change("undo", this.kept.value.undo.map((one) => (one.clientKey === clientKey ? { ...one, key } : one)));
      return key;
    } catch (error) {
      if ((error.status === 0 || error.status >= 500) && retries > 0) {
        await new Promise((go) => setTimeout(go, AGAIN_MS));
        return this.deliver(given, retries - 1);
      }
      this.forget(clientKey);
      this.kept.change("undo", this.kept.value.undo.filter((one) => one.clientKey !== clientKey));
      this.failed(given, error);
      return null;
    }
  }

  forget(clientKey) {
    this.kept.change("pending", this.kept.value.pending.filter((one) => one.verdict.clientKey !== clientKey));
  }

  /** Take back the last verdict. The item; null where there is none. Throws where it cannot be taken back. */
  async undo() {
    const last = this.kept.value.undo.at(-1);
    if (!last) return null;
    const key = (await this.giving.get(last.clientKey)) ?? this.kept.value.undo.find((one) => one.clientKey === last.clientKey)?.key;
    if (!key) return null; // it was not kept, and came back by itself
    try {
      await ask(`${this.root}/api/verdicts/${encodeURIComponent(key)}`, "DELETE");
    } catch (error) {
      if (error.status !== 410) throw error;
    }
    this.kept.change("undo", this.kept.value.undo.filter((one) => one.clientKey !== last.clientKey));
    return last.item;
  }
}
