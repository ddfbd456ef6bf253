// Page helpers that several specs share.
import { createHash } from 'node:crypto';
import { expect, type Locator, type Page } from '@playwright/test';

/** Signs in on the sign-in page. */
export async function signIn(page: Page, email: string, password: string): Promise<void> {
  await page.getByLabel('Email address', { exact: true }).fill(email);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Submits the form for a new task. Ends on the task page and returns its path. */
export async function submitTask(
  page: Page,
  task: { script: string; title: string; network?: 'Isolated' | 'Unrestricted'; visibility?: string; labels?: string },
): Promise<string> {
  await page.goto('/tasks/new');
  await page.getByLabel('Script').fill(task.script);
  await page.getByLabel('Title').fill(task.title);
  if (task.network) await page.getByLabel('Network', { exact: true }).selectOption({ label: task.network });
  if (task.visibility) await page.getByLabel('Visibility').selectOption({ label: task.visibility });
  if (task.labels) await page.getByLabel('Labels').fill(task.labels);
  await page.getByRole('button', { name: 'Submit task' }).click();
  await expect(page.getByRole('heading', { level: 1, name: task.title })).toBeVisible();
  return new URL(page.url()).pathname;
}

/** The state badge of a task page. */
export function state(page: Page): Locator {
  return page.locator('#task-state .badge');
}

/** The text of the output lines. */
export function output(page: Page): Locator {
  return page.locator('#log-lines .log-text');
}

/** The section of a page with a heading. */
export function section(page: Page, heading: string): Locator {
  return page.locator('section').filter({ has: page.getByRole('heading', { name: heading, exact: true }) });
}

/** Returns the text of a numbered source, with marks of hidden characters converted back. */
export async function source(page: Page, name: string): Promise<string> {
  const region = page.getByRole('region', { name, exact: true });
  return region.evaluate((element) => {
    const read = (node: ChildNode): string =>
      node.nodeName === 'MARK'
        ? String.fromCodePoint(parseInt(node.textContent!.replace('U+', ''), 16))
        : node.nodeType === Node.COMMENT_NODE
          ? ''
          : node.childNodes.length > 0
            ? [...node.childNodes].map(read).join('')
            : (node.textContent ?? '');
    return [...element.querySelectorAll('li')].map(read).join('\n');
  });
}

/** Returns the SHA-256 in hexadecimal. */
export function sha256(text: string): string {
  return createHash('sha256').update(text, 'utf8').digest('hex');
}

/** Marks the document. The returned function reports whether it is still the same, that is, not reloaded. */
export async function withoutReload(page: Page): Promise<() => Promise<boolean>> {
  await page.evaluate(() => Object.assign(window, { unloaded: false }));
  return () => page.evaluate(() => 'unloaded' in window);
}
