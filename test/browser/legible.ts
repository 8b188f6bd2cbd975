import type { Page } from 'playwright-core';

/**
 * What a person cannot read or reach on a page as it is drawn: text of too little contrast (WCAG 2.2, 1.4.3), what stands out
 * beyond the side, controls without a name (4.1.2) and such that are too small to hit (2.5.8). One line each; none is good.
 */
export function flawsOf(page: Page): Promise<string[]> {
  return page.evaluate(FLAWS) as Promise<string[]>;
}

/** Runs in the page, so it is text: nothing of this process is known there. */
const FLAWS = `(() => {
  const flaws = [];
  const parse = (text) => {
    const [r, g, b, a = 1] = text.match(/[\\d.]+/g).map(Number);
    return { r, g, b, a };
  };
  const over = (top, below) => ({
    r: top.r * top.a + below.r * (1 - top.a),
    g: top.g * top.a + below.g * (1 - top.a),
    b: top.b * top.a + below.b * (1 - top.a),
    a: 1,
  });
  const ground = (element) => {
    const layers = [];
    for (let at = element; at !== null; at = at.parentElement) layers.push(parse(getComputedStyle(at).backgroundColor));
    return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
  };
  const linear = (value) => (value / 255 <= 0.04045 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = ({ r, g, b }) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
  const ratio = (a, b) => {
    const [high, low] = [luminance(a), luminance(b)].sort((x, y) => y - x);
    return (high + 0.05) / (low + 0.05);
  };
  const name = (element) => element.tagName.toLowerCase() + '.' + element.className + ' "' + element.textContent.trim().slice(0, 40) + '"';
  for (const element of document.querySelectorAll('body *')) {
    if (!element.checkVisibility() || element.closest('.skip') !== null) continue;
    const box = element.getBoundingClientRect();
    const hidden = element.closest('thead') !== null && box.width <= 2;
    if (!hidden && element.closest('.scroll') === null && box.width > 0 && (box.right > innerWidth + 0.5 || box.left < -0.5)) {
      flaws.push('stands out: ' + name(element));
    }
    if (![...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim() !== '')) continue;
    const style = getComputedStyle(element);
    const behind = ground(element);
    const found = ratio(over(parse(style.color), behind), behind);
    const size = parseFloat(style.fontSize);
    const needed = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    if (found < needed) flaws.push('contrast ' + found.toFixed(2) + ': ' + name(element));
  }
  if (document.documentElement.scrollWidth > innerWidth) flaws.push('the page scrolls sideways');
  for (const control of document.querySelectorAll('button, input:not([type=hidden]), select, textarea, summary, a.button')) {
    if (!control.checkVisibility()) continue;
    const named = control.labels?.length > 0 || control.textContent.trim() !== '' || control.ariaLabel;
    if (!named) flaws.push('has no name: ' + control.outerHTML.slice(0, 80));
    const hit = (control.labels?.[0] ?? control).getBoundingClientRect();
    if (hit.height < 24) flaws.push('is ' + hit.height + ' px high: ' + name(control));
  }
  return flaws;
})()`;
