// An authenticator app (RFC 6238), and a device that keeps passkeys, as people have them.
import { createHmac } from 'node:crypto';
import type { CDPSession, Page } from '@playwright/test';

/** The code that an app with this secret (Base32, spaces do not matter) shows so many steps of half a minute from now. */
export function code(secret: string, steps = 0): string {
  const bits = [...secret.replaceAll(' ', '')].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter));
  const text = bits.map((five) => five.toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(text.match(/.{8}/g)!.map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const number = mac.readUInt32BE(mac[19] & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}

/** A device of somebody who is there and says yes, at one page. */
export class Device {
  private constructor(
    private cdp: CDPSession,
    private id: string,
  ) {}

  static async at(page: Page): Promise<Device> {
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    const { authenticatorId } = await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    return new Device(cdp, authenticatorId);
  }

  /** How many passkeys it keeps. */
  async passkeys(): Promise<number> {
    const { credentials } = await this.cdp.send('WebAuthn.getCredentials', { authenticatorId: this.id });
    return credentials.length;
  }

  /** Whether its owner unlocks it. */
  async unlocked(isUserVerified: boolean): Promise<void> {
    await this.cdp.send('WebAuthn.setUserVerified', { authenticatorId: this.id, isUserVerified });
  }
}
