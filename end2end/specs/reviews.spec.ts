// Access reviews (N-06) and access pages.
import { readFile } from 'node:fs/promises';
import { setUp, Team } from '../users';
import { expect, test } from '../test';

for (const javaScriptEnabled of [true, false]) {
  test(`N-06 an admin completes an access review, ${javaScriptEnabled ? 'with' : 'without'} JavaScript`, async ({ fresh, browser }) => {
    const ada = await setUp(fresh);
    const team = await Team.of(ada, 'Payments');
    const mei = await team.add('Mei', 'member');
    await mei.act('keys/create', { name: 'Build server', 'scopes[]': 'tasks:read', days: '90' });
    const page = await ada.open(browser, { javaScriptEnabled });
    await page.goto('/people');
    await page.getByRole('link', { name: 'Access reviews' }).click();
    await expect(page.getByText('No access reviews yet')).toBeVisible();
    await page.getByRole('button', { name: 'Start review' }).click();
    await expect(page.getByText('0 of 4 reviewed')).toBeVisible();

    const key = page.getByRole('row', { name: 'Build server' });
    await key.getByText('Revoke…').focus();
    await page.keyboard.press('Enter');
    await key.getByRole('button', { name: 'Revoke' }).click();
    await expect(key).toContainText('Revoked');
    await expect(key).toContainText('Ada');

    await page.getByRole('button', { name: 'Keep selected rights' }).click();
    await expect(page.getByRole('alert').first(), 'nothing is selected').toBeVisible();
    await page.getByRole('link', { name: 'Open 3' }).click();
    await expect(page.getByRole('checkbox')).toHaveCount(3);
    for (const box of await page.getByRole('checkbox').all()) {
      await box.focus();
      await page.keyboard.press('Space');
    }
    await page.getByRole('button', { name: 'Keep selected rights' }).click();
    await expect(page.getByText('4 of 4 reviewed')).toBeVisible();
    await page.getByRole('button', { name: 'End review' }).click();
    await expect(page.getByText('This review ended')).toBeVisible();

    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Export as CSV' }).click();
    const lines = (await readFile(await (await download).path(), 'utf8')).trimEnd().split('\r\n');
    expect(lines).toHaveLength(5);
    expect(lines[0]).toContain('person,address,organization,key');
    expect(lines[4]).toContain(',Build server,');
    expect(lines[4]).toMatch(/,revoke,Ada,\d{4}-\d\d-\d\dT[^,]*Z$/);
  });
}

test('A-05 the submitter of a task can see who has access to it', async ({ ada, team, browser }) => {
  const [mei, vera] = [await team.add('Mei', 'member'), await team.add('Vera', 'viewer')];
  const task = await mei.submit({ organization: team.id, visibility: 'org', script: 'true', title: 'Shared' });
  const page = await mei.open(browser);
  await page.goto(task);
  await page.getByRole('link', { name: 'Who has access' }).click();
  const own = page.getByRole('row', { name: mei.email });
  await expect(own).toContainText('submitted the task, Member in the organization');
  await expect(own).toContainText('view, cancel');
  await expect(page.getByRole('row', { name: ada.email })).toContainText('tenant admin');
  await expect(page.getByRole('row', { name: vera.email })).toContainText('Viewer in the organization');

  const hers = await vera.open(browser);
  await hers.goto(task);
  await expect(hers.getByRole('link', { name: 'Who has access' })).toHaveCount(0);
  expect((await hers.goto(`${task}/access`))!.status()).toBe(403);
});
