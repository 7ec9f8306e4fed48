import { TenantDisk } from '../../../workers/keeper/books/tenant-disk';

const disk = (tenantMax: number | null): TenantDisk =>
  new TenantDisk({
    downloadsMaxBytes: 50,
    uploadsMaxBytes: 30,
    browserMaxBytes: null,
    tenantMaxBytes: tenant => (tenant === 'acme' ? tenantMax : null),
  });

describe('what the files of a tenant may take on a machine', () => {
  it('is what each session may, where the tenant has no quota', () => {
    const { downloads, uploads } = disk(null).of('acme/a');
    expect([downloads.claim(10), downloads.claim(90), uploads.claim(90)]).toEqual([50, 50, 30]);
  });

  it('is its quota, less what its other sessions and the other kind of files take', () => {
    const tenants = disk(60);
    const [a, b, other] = [tenants.of('acme/a'), tenants.of('acme/b'), tenants.of('beta/a')];
    for (const { downloads, uploads } of [a, b, other]) [downloads, uploads].forEach(it => it.claim(0));
    expect(a.downloads.claim(35)).toBe(50);
    expect(b.downloads.claim(0)).toBe(25);
    expect(b.uploads.claim(20)).toBe(25);
    expect(b.downloads.claim(9)).toBe(5);
    expect(other.downloads.claim(50)).toBe(50);
    b.uploads.claim(10);
    expect(b.downloads.claim(9)).toBe(15);
  });

  it('never falls below what a session has taken, although another grows', () => {
    const tenants = disk(60);
    const [a, b] = [tenants.of('acme/a'), tenants.of('acme/b')];
    [a, b].forEach(({ downloads }) => downloads.claim(0));
    a.downloads.claim(40);
    for (const bytes of [10, 20, 30, 40]) b.downloads.claim(bytes);
    expect(b.downloads.claim(40)).toBe(20);
    expect(a.downloads.claim(40)).toBe(40);
    // What is removed makes room for whichever grows next.
    a.downloads.claim(5);
    expect(b.downloads.claim(40)).toBe(50);
  });

  it('has what browsers write for themselves in it, which nothing else bounds here', () => {
    const tenants = disk(60);
    const [a, b] = [tenants.of('acme/a'), tenants.of('acme/b')];
    [a.own, b.downloads, b.own].forEach(it => it.claim(0));
    expect(a.own.maxBytes).toBe(Infinity);
    expect(a.own.claim(45)).toBe(60);
    expect(b.downloads.claim(20)).toBe(15);
    expect(b.own.claim(5)).toBe(0);
    a.close();
    expect(b.downloads.claim(20)).toBe(50);
  });

  it('counts what is beyond the quota of a session only until it is removed', () => {
    const tenants = disk(60);
    const [a, b] = [tenants.of('acme/a'), tenants.of('acme/b')];
    [a, b].forEach(({ downloads }) => downloads.claim(0));
    expect(a.downloads.claim(60)).toBe(50);
    expect(b.downloads.claim(0)).toBe(10);
  });

  it('begins with what is there, after a keeper of before or a quota that was lowered', () => {
    const tenants = disk(20);
    const [a, b] = [tenants.of('acme/a'), tenants.of('acme/b')];
    expect(a.downloads.claim(15)).toBe(20);
    expect(b.downloads.claim(15)).toBe(15);
    expect(a.downloads.claim(16)).toBe(15);
  });

  it('is free again when the files of a session are gone, once, whatever comes late', () => {
    const tenants = disk(60);
    const [a, b] = [tenants.of('acme/a'), tenants.of('acme/b')];
    [a.downloads, a.uploads, b.downloads].forEach(it => it.claim(0));
    a.downloads.claim(40);
    a.uploads.claim(20);
    expect(b.downloads.claim(1)).toBe(0);
    a.close();
    a.uploads.claim(20);
    a.close();
    expect(b.downloads.claim(1)).toBe(50);
  });
});
