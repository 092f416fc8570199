// How high the dashboard is, told to the page around it, at most once a frame.

import type { WindowLike } from "./dom.ts";

export function reportSize(window: WindowLike, report: (height: number) => void): () => void {
  const { documentElement } = window.document;
  let isDue = false;
  let last = -1;
  const observer = new window.ResizeObserver(() => {
    if (isDue) return;
    isDue = true;
    window.requestAnimationFrame(() => {
      isDue = false;
      const height = Math.ceil(documentElement.getBoundingClientRect().height);
      if (height === last) return;
      last = height;
      report(height);
    });
  });
  observer.observe(documentElement);
  return () => observer.disconnect();
}
