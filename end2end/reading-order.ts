// Reading order: what is on screen is in the order of the document, and begins with the main heading.
import type { Page } from '@playwright/test';

/** Returns the first text or control inside `main` that is drawn above the main heading, and pairs whose order differs. */
export function disorder(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const main = document.querySelector('main')!;
    const shows = (element: Element) => {
      const box = element.getBoundingClientRect();
      return box.width > 1 && box.height > 1 && element.checkVisibility({ visibilityProperty: true });
    };
    const hasText = (element: Element) => [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.textContent!.trim() !== '');
    /** Whether an element, or one around it, has a fixed or sticky position, so that it is not part of the order. */
    const isStuck = (element: Element | null): boolean =>
      element !== null && element !== main && (['fixed', 'sticky'].includes(getComputedStyle(element).position) || isStuck(element.parentElement));
    const name = (element: Element) => `<${element.localName}> ${(element.textContent || element.getAttribute('name') || '').trim().slice(0, 40)}`;

    const items = [...main.querySelectorAll('*')]
      .filter((element) => hasText(element) || element.matches('input:not([type=hidden]), select, textarea'))
      .filter((element) => shows(element) && !isStuck(element));
    const box = (element: Element) => element.getBoundingClientRect();
    const heading = main.querySelector('h1')!;
    const above = items.filter((element) => box(element).bottom <= box(heading).top && !element.closest('.banner, .brand'));
    // Of two neighbors in the document the later one must not be drawn wholly above the earlier one in the same column.
    const swapped = items.slice(1).flatMap((later, index) => {
      const [a, b] = [box(items[index]!), box(later)];
      const sameColumn = a.left < b.right && b.left < a.right;
      return sameColumn && b.bottom <= a.top ? [`${name(later)} is drawn above ${name(items[index]!)}`] : [];
    });
    const first = items.find((element) => !element.closest('.banner, .brand'));
    const isFirst = first === undefined || heading.contains(first);
    return [...above.map((element) => `${name(element)} is drawn above the heading`), ...(isFirst ? [] : [`${name(first)} precedes the heading`]), ...swapped];
  });
}
