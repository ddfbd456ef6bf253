// Organizations: invitations, join requests, leaving, renaming and archiving.
import { address, PASSWORD, Team } from '../users';
import { expect, test } from '../test';

test('an owner invites a person by link, who creates an account without JavaScript', async ({ ada, team, browser }) => {
  const page = await ada.open(browser);
  await page.goto(`/organizations/${team.id}`);
  await page.getByLabel('Role of new members').selectOption({ label: 'Member: can also submit tasks' });
  await page.getByLabel('Maximum number of uses').fill('0');
  await page.getByRole('button', { name: 'Create invitation' }).click();
  await expect(page.getByRole('alert')).toContainText('must be 1 to 100');
  await page.getByLabel('Maximum number of uses').fill('1');
  await page.getByRole('button', { name: 'Create invitation' }).click();
  const link = await page.locator('.secret-value code').innerText();
  await page.getByRole('link', { name: 'I have stored it' }).click();
  await expect(page.getByRole('row', { name: 'Anyone with the link' })).toContainText('0 of 1');

  const hers = await (await browser.newContext({ baseURL: ada.castellan.origin, javaScriptEnabled: false })).newPage();
  await hers.goto(link);
  await expect(hers.getByText(`Ada invited you to join ${team.name}`)).toBeVisible();
  await hers.getByLabel('Email address', { exact: true }).fill(ada.email);
  await hers.getByLabel('Your name').fill('Nia');
  await hers.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await hers.getByRole('button', { name: 'Create account and join' }).click();
  await expect(hers.getByRole('alert')).toContainText('An account with this address already exists');
  await hers.getByLabel('Email address', { exact: true }).fill(address('Nia'));
  await hers.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await hers.getByRole('button', { name: 'Create account and join' }).click();
  await expect(hers).toHaveURL(`/organizations/${team.id}`);
  await expect(page.getByRole('row', { name: 'Nia' }), 'the open list is updated').toBeVisible();
  expect((await hers.goto(link))!.status(), 'the link is used up').toBe(404);
});

for (const javaScriptEnabled of [true, false]) {
  test(`a sign-in from an invitation returns to it${javaScriptEnabled ? '' : ' without JavaScript'}`, async ({ ada, team, browser }) => {
    const member = await team.add('Noa', 'member');
    const other = await ada.act('organizations/create', { name: `Guests ${member.email}` });
    const organization = other.go_to!.split('/').at(-1)!;
    const { secret } = await ada.act('organizations/invite', { organization, role: 'viewer', uses: '1', days: '1' });
    const page = await (await browser.newContext({ baseURL: ada.castellan.origin, javaScriptEnabled })).newPage();
    await page.goto(secret!);
    await page.getByRole('main').getByRole('link', { name: 'Sign in' }).click();
    expect(page.url()).not.toContain('token');
    await page.getByLabel('Email address', { exact: true }).fill(member.email);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await expect(page).toHaveURL('/invitation');
    await page.getByRole('button', { name: 'Accept and join' }).click();
    await expect(page).toHaveURL(`/organizations/${organization}`);
  });
}

test('a person requests to join, is accepted with a role and leaves again', async ({ ada, team, browser }) => {
  const other = await ada.act('organizations/create', { name: `Visitors ${team.id.slice(-6)}` });
  const guests = other.go_to!.split('/').at(-1)!;
  const omar = await team.add('Omar', 'owner');
  const his = await omar.open(browser);
  await his.goto(`/organizations/${team.id}/settings`);
  await his.getByLabel('People in this tenant').selectOption({ label: 'can request to join' });
  await his.getByRole('button', { name: 'Save' }).click();
  await expect(his.getByLabel('People in this tenant')).toHaveValue('true');

  const email = address('Mei');
  const fields = { name: 'Mei', email, organization: guests, role: 'viewer', tenant_role: 'person' };
  const { secret } = await ada.act('people/create', fields);
  const hers = await (await browser.newContext({ baseURL: ada.castellan.origin, javaScriptEnabled: false })).newPage();
  await hers.goto(secret!);
  await hers.getByLabel('New password').fill(PASSWORD);
  await hers.getByRole('button', { name: 'Set password and sign in' }).click();
  await hers.goto('/organizations');
  const row = hers.getByRole('row', { name: team.name }).filter({ hasText: 'Request to join…' });
  await row.locator('summary').click();
  await row.getByLabel('Message').fill('I run the backups');
  const overview = await his.context().newPage();
  await overview.goto('/');
  await his.goto(`/organizations/${team.id}`);
  await row.getByRole('button', { name: 'Request to join' }).click();
  await expect(hers.getByRole('row', { name: team.name })).toContainText('Pending');

  await expect(his.getByText('I run the backups'), 'the open organization page is updated').toBeVisible();
  await overview.bringToFront();
  await expect(overview.getByRole('link', { name: `1 person requested to join ${team.name}` })).toBeVisible();
  await his.bringToFront();
  await his.goto('/');
  await his.getByRole('link', { name: `1 person requested to join ${team.name}` }).click();
  await expect(his.getByText('I run the backups')).toBeVisible();
  await his.getByRole('button', { name: 'Accept request' }).click();
  await expect(his.getByRole('row', { name: email })).toBeVisible();

  await hers.goto(`/organizations/${team.id}`);
  await hers.getByRole('link', { name: 'Leave this organization…' }).click();
  await hers.getByRole('button', { name: 'Leave organization' }).click();
  await expect(hers).toHaveURL('/organizations');
  await expect(hers.getByRole('row', { name: team.name }).filter({ hasText: 'Request to join…' })).toBeVisible();
});

test('without JavaScript an owner accepts one join request with a role and declines another with a reason', async ({ ada, team, browser }) => {
  const omar = await team.add('Omar', 'owner');
  await omar.act('organizations/requests', { organization: team.id, open: 'true' });
  const elsewhere = await Team.of(ada, `Neighbors ${team.id.slice(-6)}`);
  const [mei, noa] = [await elsewhere.add('Mei', 'viewer'), await elsewhere.add('Noa', 'viewer')];
  await mei.act('join-requests/ask', { organization: team.id, reason: 'I run the backups' });
  await noa.act('join-requests/ask', { organization: team.id, reason: 'I am curious' });

  const his = await omar.open(browser, { javaScriptEnabled: false });
  await his.goto('/');
  await his.getByRole('link', { name: `2 people requested to join ${team.name}` }).click();
  const asks = (name: string) => his.getByRole('listitem').filter({ has: his.getByRole('combobox', { name: `Role of ${name}` }) });
  await expect(asks('Mei').getByText('I run the backups')).toBeVisible();
  await asks('Mei').getByLabel('Role of Mei').selectOption({ label: 'Approver: can also decide approval requests' });
  await asks('Mei').getByRole('button', { name: 'Accept request' }).click();
  await expect(his.getByRole('row', { name: mei.email }).getByLabel('Role of Mei')).toHaveValue('approver');

  await asks('Noa').locator('summary').click();
  await asks('Noa').getByRole('button', { name: 'Decline request' }).click();
  await expect(his.getByRole('alert'), 'a decline requires a reason').toBeVisible();
  await asks('Noa').getByRole('textbox').fill('Ask again when the audit is over');
  await asks('Noa').getByRole('button', { name: 'Decline request' }).click();
  await expect(asks('Noa')).toHaveCount(0);
  await expect(his.getByRole('row', { name: noa.email })).toHaveCount(0);

  const hers = await noa.open(browser, { javaScriptEnabled: false });
  await hers.goto('/organizations');
  await expect(hers.getByRole('row', { name: team.name }).first()).toContainText('Ask again when the audit is over');
});

test('an organization is renamed, archived and restored', async ({ ada, team, browser }) => {
  const page = await ada.open(browser);
  const name = `${team.name} of old`;
  await page.goto(`/organizations/${team.id}/settings`);
  await page.getByLabel('Organization', { exact: true }).fill(name);
  await page.getByRole('button', { name: 'Rename' }).click();
  await expect(page.getByRole('heading', { level: 1, name })).toBeVisible();
  await page.getByRole('link', { name: 'Settings' }).last().click();
  await page.getByText('Archive organization…').click();
  await page.getByRole('button', { name: 'Archive organization' }).click();
  await expect(page.getByRole('button', { name: 'Create invitation' })).toHaveCount(0);
  await expect(page.getByText('no task can be submitted or started')).toBeVisible();
  await page.goto('/tasks/new');
  await expect(page.getByRole('option', { name })).toHaveCount(0);
  await page.goto(`/organizations/${team.id}/settings`);
  await page.getByRole('button', { name: 'Restore organization' }).click();
  await expect(page.getByRole('button', { name: 'Create invitation' })).toBeVisible();
});
