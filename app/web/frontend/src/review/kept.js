// What the browser keeps for an account: keys that were changed, verdicts on their way, and what can be undone.

/** A small store under one name in localStorage; where that is denied, or full, it holds for this page alone. */
export class Kept {
  constructor(account) {
    this.name = `lectotype-review-${account}`;
    this.value = { keys: {}, on: true, pending: [], undo: [] };
    try {
      Object.assign(this.value, JSON.parse(localStorage.getItem(this.name) ?? "{}"));
    } catch {
      // nothing was kept, or it cannot be read: begin anew
    }
  }

  change(name, value) {
    this.value[name] = value;
    try {
      localStorage.setItem(this.name, JSON.stringify(this.value));
    } catch {
      // it is kept until the page is left
    }
  }
}

/** A draft of a correction, by annotation, version and account, in this tab. */
export const drafts = {
  name: (account, item) => `lectotype-draft-${account}-${item.key}-${item.version}`,
  read(account, item) {
    try {
      return JSON.parse(sessionStorage.getItem(this.name(account, item)) ?? "null");
    } catch {
      return null;
    }
  },
  write(account, item, value) {
    try {
      if (value === null) sessionStorage.removeItem(this.name(account, item));
      else sessionStorage.setItem(this.name(account, item), JSON.stringify(value));
    } catch {
      // it stays in the fields
    }
  },
};
