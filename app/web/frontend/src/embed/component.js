// <lectotype-viewer src canvas xywh annotations lang height title>: a frame with a specimen, in the page's own DOM. `src` is an
// address of this hub: a specimen's page, identifier or manifest.
(() => {
  const hub = new URL(".", document.currentScript?.src ?? location.href);
  const PASSED = ["canvas", "xywh", "annotations", "lang"];

  class LectotypeViewer extends HTMLElement {
    static observedAttributes = ["src", "height", "title", ...PASSED];

    connectedCallback() {
      this.frame = document.createElement("iframe");
      this.frame.allow = "fullscreen";
      this.frame.loading = "lazy";
      this.frame.style.cssText = "display:block;width:100%;border:0";
      this.hear = (event) => this.heard(event);
      addEventListener("message", this.hear);
      if (!this.style.display) this.style.display = "block";
      this.show();
      this.replaceChildren(this.frame);
    }

    disconnectedCallback() {
      removeEventListener("message", this.hear);
      this.frame = null;
    }

    attributeChangedCallback() {
      if (this.frame) this.show();
    }

    show() {
      const address = new URL("embed", hub);
      address.searchParams.set("iiif-content", new URL(this.getAttribute("src") ?? "", hub).href);
      for (const name of PASSED) if (this.hasAttribute(name)) address.searchParams.set(name, this.getAttribute(name));
      this.frame.title = this.getAttribute("title") || "Specimen";
      this.frame.style.height = `${this.height() || 600}px`;
      if (this.frame.src !== address.href) this.frame.src = address.href;
    }

    height() {
      return Math.min(4000, Math.max(0, parseInt(this.getAttribute("height"), 10) || 0));
    }

    heard({ source, origin, data }) {
      if (source !== this.frame?.contentWindow || origin !== hub.origin || data?.type !== "lectotype-size") return;
      if (!this.height() && data.height > 0) this.frame.style.height = `${Math.min(4000, Math.ceil(data.height))}px`;
    }
  }

  if (!customElements.get("lectotype-viewer")) customElements.define("lectotype-viewer", LectotypeViewer);
})();
