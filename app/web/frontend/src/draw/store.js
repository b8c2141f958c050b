// The hub as the editor sees it: statements of an image, and how they are stored. Drafts lie in the session's storage until then.

/** An answer that is none: `status` and what the hub says, with all of its problem document. */
export class Refused extends Error {
  constructor(status, problem) {
    super(problem.detail ?? "The hub did not answer.");
    this.status = status;
    this.problem = problem;
  }
}

export class Store {
  /** `api` is the address of the hub, `image` the key of the image. */
  constructor(api, image, canvas) {
    Object.assign(this, { api, image, canvas, removes: true });
    this.words = { anew: "A new statement.", mine: "You said this.", draft: "" };
  }

  /** What must be there before it is kept, as a sentence; empty where nothing is missing. */
  missing(shape, said) {
    return shape || Object.values(said).some(Boolean) ? "" : "Draw or write something first.";
  }

  async ask(method, path, body, headers = {}) {
    let answer;
    try {
      answer = await fetch(`${this.api}${path}`, {
        method,
        headers: { Accept: "application/json", ...(body && { "Content-Type": "application/json" }), ...headers },
        ...(body && { body: JSON.stringify(body) }),
      });
    } catch {
      throw new Refused(0, { detail: "The hub cannot be reached. What you drew is kept in this window; try again." });
    }
    const told = answer.status === 204 ? null : await answer.json().catch(() => ({}));
    if (!answer.ok) throw new Refused(answer.status, told ?? {});
    return { told, etag: answer.headers.get("ETag"), version: versionOf(answer.headers.get("Link")) };
  }

  /** The statements on the image behind that key, at most a thousand; `next` is the key behind which there are others, or null. */
  async page(after) {
    const { told } = await this.ask("GET", `/api/annotations?image=${this.image}&after=${encodeURIComponent(after)}`);
    return { items: told.items, next: told.next };
  }

  /** One of them, in the form that is drawn and as it is stored. */
  async one(key) {
    const [drawn, stored] = await Promise.all([
      this.ask("GET", `/api/annotations/${key}?profile=annotorious`),
      this.ask("GET", `/api/annotations/${key}`),
    ]);
    return { annotation: drawn.told, stored: stored.told, etag: stored.etag, version: stored.version };
  }

  create(document) {
    return this.ask("POST", "/api/annotations?profile=annotorious", document);
  }

  change(key, document, etag) {
    return this.ask("PUT", `/api/annotations/${key}?profile=annotorious`, document, { "If-Match": etag });
  }

  remove(key, etag) {
    return this.ask("DELETE", `/api/annotations/${key}`, undefined, { "If-Match": etag });
  }

  /** A machine's statement is rejected, and what is right stands in its place. */
  correct(key, version, reason, correction) {
    return this.ask("POST", "/api/verdicts", { annotation: key, version, verdict: "rejected", reason, correction });
  }
}

// The version of an annotation is one more than that of its predecessor, which its answer links to.
function versionOf(links) {
  const before = /\/versions\/(\d+)>; rel="predecessor-version"/.exec(links ?? "");
  return before ? Number(before[1]) + 1 : 1;
}

/** Drafts of one person in this window. */
export class Drafts {
  constructor(account) {
    this.account = account;
  }

  name(key, version) {
    return `lectotype-draft ${key} ${version} ${this.account}`;
  }

  put(key, version, draft) {
    try {
      sessionStorage.setItem(this.name(key, version), JSON.stringify(draft));
    } catch {
      // No room, or no storage: what is drawn is still in the page.
    }
  }

  /** The draft of a statement, with the version that it was begun on; null for none. */
  find(key) {
    try {
      for (let at = 0; at < sessionStorage.length; at += 1) {
        const [word, name, version, account] = sessionStorage.key(at).split(" ");
        if (word === "lectotype-draft" && name === key && account === this.account) {
          return { version: Number(version), ...JSON.parse(sessionStorage.getItem(sessionStorage.key(at))) };
        }
      }
    } catch {
      // There are none to be had.
    }
    return null;
  }

  drop(key) {
    for (let draft = this.find(key); draft; draft = this.find(key)) sessionStorage.removeItem(this.name(key, draft.version));
  }
}
