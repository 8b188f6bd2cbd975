import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type AddressKind, kindOfAddress } from '../../services/platform/outbound/addresses.ts';
import { checkTarget } from '../../services/platform/outbound/target.ts';

describe('an address', () => {
  const cases: readonly [AddressKind, readonly string[]][] = [
    [
      'public',
      ['8.8.8.8', '2001:4860:4860::8888', '64:ff9b::8.8.8.8', '2002:808:808::1', '::ffff:8.8.8.8', '172.32.0.1'],
    ],
    ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '::ffff:127.0.0.1', '64:ff9b::127.0.0.1', '2002:7f00:1::']],
    [
      'private',
      [
        '10.0.0.1',
        '172.16.0.1',
        '172.31.255.255',
        '192.168.1.1',
        '100.64.0.1',
        'fc00::1',
        'fd12::1',
        '::ffff:10.0.0.1',
      ],
    ],
    ['private', ['64:ff9b::a00:1', '2002:a00:1::', '::ffff:0:10.0.0.1', '::10.0.0.1', '2002:c0a8:101::1']],
    ['never', ['0.0.0.0', '0.1.2.3', '169.254.169.254', '224.0.0.1', '240.0.0.1', '255.255.255.255', '192.0.2.1']],
    [
      'never',
      ['198.18.0.1', '192.0.0.8', '::', 'fe80::1', 'fe80::1%eth0', 'fec0::1', 'ff02::1', '2001:db8::1', '100::1'],
    ],
    ['never', ['::ffff:169.254.169.254', '64:ff9b::169.254.169.254', '2002:a9fe:a9fe::', '::169.254.169.254']],
    ['never', ['64:ff9b:1:a9fe:a9:fe00:808:808', '2001:0:1:2:3:4:5:6', 'localhost', '', '1.2.3', '8.8.8.8.']],
  ];
  for (const [kind, addresses] of cases) {
    for (const address of addresses) test(`${address} is ${kind}`, () => assert.equal(kindOfAddress(address), kind));
  }
});

describe('a target', () => {
  const base = { allow_private_networks: false };
  const allowed = (text: string, policy: object = {}): boolean =>
    typeof checkTarget(text, { ...base, ...policy }) !== 'string';

  test('is one of the listed hosts, where there is a list', () => {
    const allow_hosts = ['idp.example.com', '*.corp.example'];
    for (const host of [
      'idp.example.com',
      'IDP.example.com',
      'a.corp.example',
      'b.a.corp.example',
      'idp.example.com.',
    ]) {
      assert.ok(allowed(`https://${host}/x`, { allow_hosts }), host);
    }
    for (const host of [
      'example.com',
      'corp.example',
      'evilcorp.example',
      'idp.example.com.evil.example',
      '127.0.0.1',
    ]) {
      assert.ok(!allowed(`https://${host}/x`, { allow_hosts }), host);
    }
    assert.ok(!allowed('https://idp.example.com/x', { allow_hosts: [] }));
  });

  test('does not speak another protocol', () => {
    for (const port of [22, 25, 53, 6667, 10080]) assert.ok(!allowed(`https://siem.example.com:${port}/`), `${port}`);
    assert.ok(allowed('https://siem.example.com:8443/'));
    for (const scheme of ['file', 'ftp', 'gopher', 'ws', 'data', 'javascript']) {
      assert.ok(!allowed(`${scheme}://siem.example.com/`), scheme);
    }
  });

  test('is an address in whatever spelling a URL may have', () => {
    for (const host of ['2130706433', '0x7f.1', '0177.0.0.1', '127.1', '[::ffff:7f00:1]']) {
      assert.ok(allowed(`http://${host}/`), `${host} is this machine`);
    }
    for (const host of [
      '0xa9fea9fe',
      '2852039166',
      '0251.0376.0251.0376',
      '[64:ff9b::a9fe:a9fe]',
      '[::ffff:a9fe:a9fe]',
    ]) {
      assert.ok(!allowed(`https://${host}/`, { allow_private_networks: true }), `${host} is a metadata service`);
    }
    for (const host of ['167772161', '0xa.1', '[::ffff:a00:1]', '[64:ff9b::a00:1]', '[2002:a00:1::]']) {
      assert.ok(!allowed(`https://${host}/`), `${host} is private`);
      assert.ok(allowed(`https://${host}/`, { allow_private_networks: true }), `${host} is private`);
    }
  });

  test('is spoken to in the clear only where that is said', () => {
    assert.ok(!allowed('http://siem.example.com/'));
    assert.ok(allowed('http://siem.example.com/', { allow_plaintext: true }));
    assert.ok(!allowed('http://10.0.0.1/', { allow_plaintext: true }), 'plain is not private');
    assert.ok(allowed('http://8.8.8.8/', { allow_plaintext: true }));
  });
});
