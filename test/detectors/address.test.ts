import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { prefixName, readPrefixes } from '../../detectors/math/address.ts';

function prefixes(ip: string): { near: number; far: number } {
  const into = { near: 0, far: 0 };
  readPrefixes(ip, into);
  return into;
}

test('IPv4 addresses share a /24 and a /16 exactly when their bytes say so', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(
      fc.tuple(byte, byte, byte, byte),
      fc.tuple(byte, byte, byte, byte),
      fc.integer({ min: 0, max: 4 }),
      (a, b, kept) => {
        const other = b.map((value, i) => (i < kept ? a[i]! : value));
        const same = (count: number): boolean => a.slice(0, count).join('.') === other.slice(0, count).join('.');
        const [one, two] = [prefixes(a.join('.')), prefixes(other.join('.'))];
        assert.equal(one.near === two.near, same(3));
        assert.equal(one.far === two.far, same(2));
      },
    ),
  );
});

test('IPv6 addresses share a /48 and a /32 exactly when their groups say so, however they are written', () => {
  const group = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 0xffff }));
  const address = fc.array(group, { minLength: 8, maxLength: 8 });
  fc.assert(
    fc.property(address, address, fc.integer({ min: 0, max: 8 }), (a, b, kept) => {
      const other = b.map((value, i) => (i < kept ? a[i]! : value));
      const same = (count: number): boolean => a.slice(0, count).join() === other.slice(0, count).join();
      // The platform's own parser writes the address in its canonical form.
      const short = new URL(`http://[${a.map((value) => value.toString(16)).join(':')}]/`).hostname.slice(1, -1);
      const long = other.map((value) => value.toString(16).toUpperCase().padStart(4, '0')).join(':');
      const [one, two] = [prefixes(short), prefixes(long)];
      assert.equal(one.near === two.near, same(3), `${short} ${long}`);
      assert.equal(one.far === two.far, same(2), `${short} ${long}`);
    }),
  );
});

test('a mapped address is its IPv4 address; what is none is itself', () => {
  assert.deepEqual(prefixes('::ffff:10.1.2.3'), prefixes('10.1.2.99'));
  assert.notEqual(prefixes('host-a').near, prefixes('host-b').near);
  for (const odd of ['10.1.2', '10.1.2.3.4', '10.1.2.300', '1.2.3.', 'a:b:c:zz', '12345::1', '', ':']) {
    assert.ok(prefixes(odd).near > 0, odd);
  }
  assert.notEqual(prefixes('10.1.2.300').near, prefixes('10.1.2.3').near);
});

test('prefixes are named as people write them', () => {
  assert.equal(prefixName('203.0.113.80'), '203.0.113.0/24');
  assert.equal(prefixName('::ffff:203.0.113.80'), '203.0.113.0/24');
  assert.equal(prefixName('2001:0DB8:00a0:1::5'), '2001:db8:a0::/48');
  assert.equal(prefixName('2001:db8::5'), '2001:db8:0::/48');
  assert.equal(prefixName('::1'), '0:0:0::/48');
  assert.equal(prefixName('laptop-7'), 'laptop-7');
});
