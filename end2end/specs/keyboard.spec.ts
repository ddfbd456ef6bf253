// Keyboard operation: the main flow with Tab, Enter and Space, with visible focus at every stop.
import type { Locator, Page } from '@playwright/test';
import { PASSWORD } from '../users';
import { link } from '../sample-data';
import { output, state } from '../page-helpers';
import { expect, test } from '../test';

/** Maximum number of tab stops before a target. */
const STOPS = 80;

test('sign in, submit, approve, read and sign out by keyboard', async ({ team, browser, castellan }) => {
  test.setTimeout(120_000);
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'approver')];
  const openPage = async () => (await browser.newContext({ baseURL: castellan.origin })).newPage();
  const [hers, his] = [await openPage(), await openPage()];

  for (const [page, person] of [[hers, mei], [his, omar]] as const) {
    await page.goto('/sign-in');
    await goTo(page, page.getByLabel('Email address', { exact: true }));
    await page.keyboard.type(person.email);
    await goTo(page, page.getByLabel('Password', { exact: true }));
    await page.keyboard.type(PASSWORD);
    await page.keyboard.press('Enter');
    await expect(page).toHaveURL('/');
  }

  await test.step('the first tab stop skips the navigation', async () => {
    await hers.keyboard.press('Tab');
    await expect(hers.getByRole('link', { name: 'Skip to content' })).toBeFocused();
    await expect(hers.getByRole('link', { name: 'Skip to content' })).toBeInViewport();
    await hers.keyboard.press('Enter');
    await expect(hers.locator('main')).toBeFocused();
    await hers.keyboard.press('Tab');
    expect(await hers.evaluate(() => document.activeElement!.closest('main') !== null)).toBe(true);
  });

  await test.step('Mei submits', async () => {
    await press(hers, hers.getByRole('link', { name: 'New task' }));
    await goTo(hers, hers.getByLabel('Script'));
    await hers.keyboard.type('echo by keyboard');
    await goTo(hers, hers.getByLabel('Title'));
    await hers.keyboard.type('By keyboard');
    await goTo(hers, hers.getByLabel('Network', { exact: true }));
    await hers.keyboard.press('ArrowDown');
    await expect(hers.getByLabel('Network', { exact: true })).toHaveValue('unrestricted');
    await press(hers, hers.getByRole('button', { name: 'Submit task' }));
    await expect(state(hers)).toHaveText('Awaiting approval');
  });

  await test.step('Omar approves; Enter in the reason does not', async () => {
    await press(his, his.locator('.nav-wide').getByRole('link', { name: 'Approvals' }));
    await expect(his).toHaveURL('/approvals');
    await press(his, his.getByRole('link', { name: 'By keyboard' }));
    await goTo(his, his.getByLabel('Reason'));
    await his.keyboard.type('First line');
    await his.keyboard.press('Enter');
    await his.keyboard.type('second line');
    await expect(his.getByLabel('Reason')).toHaveValue('First line\nsecond line');
    await goTo(his, his.getByRole('button', { name: 'Approve request' }));
    await his.keyboard.press('Space');
    await expect(his.getByText('Approved.')).toBeVisible();
  });

  await test.step('Mei reads, opens her menu and signs out', async () => {
    await expect(state(hers)).toHaveText('Succeeded');
    await expect(output(hers)).toHaveText(['by keyboard']);
    await goTo(hers, hers.getByLabel('Wrap lines'));
    await hers.keyboard.press('Space');
    await expect(hers.getByLabel('Wrap lines')).not.toBeChecked();
    await goTo(hers, hers.locator('.person > summary'));
    await hers.keyboard.press('Enter');
    await press(hers, hers.getByRole('button', { name: 'Sign out' }));
    await expect(hers).toHaveURL(/\/sign-in/);
  });
});

test('a request is approved with four keys from the queue', async ({ team, browser }) => {
  const [mei, omar] = [await team.add('Mei', 'member'), await team.add('Omar', 'approver')];
  await mei.submit({ script: 'true', title: 'Four keys', network_policy: 'unrestricted', organization: team.id });
  const page = await omar.open(browser);
  await page.goto('/approvals');
  await expect(async () => {
    await page.keyboard.press('j');
    await expect(page.getByRole('link', { name: 'Four keys' })).toBeFocused({ timeout: 500 });
  }).toPass();
  await page.keyboard.press('Enter');
  const approve = page.getByRole('button', { name: 'Approve request' });
  await expect(approve).toBeVisible();
  await expect(async () => {
    await page.keyboard.press('a');
    await expect(approve).toBeFocused({ timeout: 500 });
  }).toPass();
  await page.keyboard.press('Enter');
  await expect(page.getByText('Approved.')).toBeVisible();
});

test('a removal requires confirmation by keyboard too', async ({ team, browser }) => {
  const mei = await team.add('Mei', 'member');
  await mei.act('keys/create', { name: 'Laptop', 'scopes[]': 'tasks:read', days: '30' });
  const page = await mei.open(browser);
  await page.goto('/keys');
  await goTo(page, page.locator('summary', { hasText: 'Revoke…' }));
  await page.keyboard.press('Enter');
  await press(page, page.getByRole('button', { name: 'Revoke API key' }));
  await expect(page.getByRole('row', { name: 'Laptop' })).toContainText('Revoked');
});

for (const [zoom, viewport] of [['200 %', { width: 720, height: 450 }], ['400 %', { width: 360, height: 225 }]] as const) {
  test(`at ${zoom} no fixed element covers the focused element`, async ({ team, browser }) => {
    const mei = await team.add('Mei', 'member');
    const own = { organization: team.id, visibility: 'org' };
    const done = await mei.submit({ ...own, script: 'seq 40', title: 'Counts' });
    const asks = await mei.submit({ ...own, script: 'true', title: 'Asks', network_policy: 'unrestricted' });
    const approval = await link(mei, asks, 'approvals');
    const page = await (await team.add('Ada', 'approver')).open(browser, { viewport, reducedMotion: 'reduce' });
    for (const path of ['/', '/tasks', '/tasks/new', done, approval, '/keys/new', '/account']) {
      await page.goto(path);
      for (let n = 0; n < STOPS; n++) {
        await page.keyboard.press('Tab');
        if (await page.evaluate(() => document.activeElement === document.body)) break;
        // Scrolling into view takes some time.
        await expect.poll(() => covered(page), `${path} at ${zoom}, stop ${n + 1}`).toBe('');
      }
    }
  });
}

async function press(page: Page, target: Locator): Promise<void> {
  await goTo(page, target);
  await page.keyboard.press('Enter');
}

/** Presses Tab until the target has focus. Checks at every stop that the focus is visible. */
async function goTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeVisible();
  for (let n = 0; n < STOPS; n++) {
    if (await target.evaluate((element) => element === document.activeElement)) return;
    await page.keyboard.press('Tab');
    expect(await unseen(page), `a stop on ${page.url()} without visible focus`).toBe('');
  }
  throw new Error(`${target} is not reached by Tab on ${page.url()}`);
}

/** Returns the focused element if a fixed element covers the middle of its visible part. */
function covered(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement!;
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const middle = (from: number, to: number, most: number) => (Math.max(from, 0) + Math.min(to, most - 1)) / 2;
    const over = document.elementFromPoint(middle(left, right, innerWidth), middle(top, bottom, innerHeight));
    const fixed = over?.closest('.bar, .decide, .newer');
    return bottom <= 0 || top >= innerHeight || (fixed && !fixed.contains(element)) ? element.outerHTML.slice(0, 200) : '';
  });
}

/** Returns the focused element if its focus is not visible. */
function unseen(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (!element || element === document.body) return '';
    const drawn = (pseudo?: string) => {
      const style = getComputedStyle(element, pseudo);
      return style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    };
    const box = element.getBoundingClientRect();
    const inside = box.bottom > 0 && box.top < innerHeight && box.width > 0 && box.height > 0;
    return inside && (drawn() || drawn('::after')) ? '' : element.outerHTML.slice(0, 200);
  });
}
