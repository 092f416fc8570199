// What the two scripts use of a browser. The service is compiled without the browser's types, which clash with those of Node.js.

interface Element {
  textContent: string | null;
  append(child: Element): void;
}

interface Browser {
  readonly location: { readonly pathname: string };
  readonly document: {
    getElementById(id: string): Element;
    createElement(name: string): Element;
  };
}

export const browser: Browser = globalThis as unknown as Browser;
