import { type CanonicalEvent, OPERATIONS, type Operation } from '../schemas/event.ts';
import { LIMITS } from '../schemas/limits.ts';
import { type Prefixes, readPrefixes } from './math/address.ts';
import { hashText, mix, TextHashes } from './math/hash.ts';
import { log2 } from './math/logarithm.ts';

/** Resources of one event that are looked at. */
export const RESOURCES_MAX = 16;
/** Sizes are kept as log2(1 + x) in steps of 1/256 octave; 0 is unknown. */
export const SIZE_STEPS = 256;

export const OUTCOME = { ok: 0, error: 1, denied: 2, unknown: 3 } as const;

/** Namespaces of the small vocabularies. */
export const NAMESPACE = { operation: 1, classification: 2, store: 3, server: 4, level: 5 } as const;

/** By namespace, the hash under which all uses of the vocabulary together are counted. */
export const ALL_OF: readonly number[] = Array.from({ length: 1 + Object.keys(NAMESPACE).length }, (_, i) => mix(i, 1));

/** What is known of the access: where from, and with which credential. */
export const ACCESS = { address: 0, network: 1, workload: 2, credential: 3, kind: 4 } as const;
export const ACCESS_KINDS = 5;

/** Key of a value of one kind of access, never 0; the kind is in its low three bits. */
export function accessKey(kind: number, hash: number): number {
  return ((mix(ACCESS_NAMESPACE + kind, hash) & ~7) | kind) >>> 0 || 8 + kind;
}
const ACCESS_NAMESPACE = 0x0acce550;

/** What there are versions of; `known` stands for any version of a tool server, and so for the server itself. */
export const VERSION = { identity: 0, tool: 1, known: 2 } as const;

/** Key of a version, never 0; what it is of is in its low two bits. */
export function versionKey(kind: number, of: number, version: number): number {
  return ((mix(mix(VERSION_NAMESPACE + kind, of), version) & ~3) | kind) >>> 0 || 4 + kind;
}
const VERSION_NAMESPACE = 0x7e125105;

/**
 * 0 public to 3 restricted; -1 unknown; words of an operator's own are as sensitive as `confidential`. Comparisons, not
 * a table: looking up a string that was just parsed costs more than all of them.
 */
export function sensitivityOf(classification: string | undefined): number {
  switch (classification) {
    case undefined:
    case 'unknown':
      return -1;
    case 'public':
      return 0;
    case 'internal':
      return 1;
    case 'restricted':
      return 3;
    default:
      return 2;
  }
}

const OPERATION_CODE = new Map<Operation, number>(OPERATIONS.map((operation, code) => [operation, code]));
/** Operations that change or hand on something weigh full, those that only look weigh half. */
const HARMFUL = new Set<Operation>(['store', 'delegate', 'execute', 'export']);
const WEIGHT = OPERATIONS.map((operation) => (HARMFUL.has(operation) ? 1 : operation === 'unknown' ? 0.8 : 0.6));
const OPERATION_HASH = OPERATIONS.map((operation) => hashText(operation));

const OUTBOUND = OPERATIONS.map((operation) => operation === 'export' || operation === 'delegate');

/** Whether an operation, given as `Features.operation`, hands data on. */
export function isOutbound(operation: number): boolean {
  return OUTBOUND[operation] as boolean;
}

export function isHarmful(operation: Operation): boolean {
  return HARMFUL.has(operation);
}

/** Names that come again and again; ids of resources are too many to be remembered. */
const names = new TextHashes();

const prefixes: Prefixes = { near: 0, far: 0 };

/** One event in numbers: filled once, read by every detector. */
export class Features {
  event: CanonicalEvent | undefined;
  /** Kept, as what nobody reads need not be fetched. */
  fetched = 0;
  tool = 0;
  server = 0;
  store = 0;
  classification = 0;
  level = -1;
  operation = 0;
  operation_hash = 0;
  weight = 1;
  outcome = 0;
  /** Hash of all that makes two calls the same call. */
  signature = 0;
  resources = 0;
  readonly resource = new Uint32Array(RESOURCES_MAX);
  /** Where in the event each of them stands: repeats within an event count once. */
  readonly position = new Uint8Array(RESOURCES_MAX);
  /** Tool with resource, or the tool alone where no resource is named: the words in which sessions are compared. */
  tokens = 0;
  readonly token = new Uint32Array(RESOURCES_MAX);
  /** Index of the resource that carries the highest classification. */
  sensitive = 0;
  /** Keys of what is known of the access, by ACCESS; 0 is unknown. */
  readonly access = new Uint32Array(ACCESS_KINDS);
  /** Keys of the versions of identity and tool, and of the tool whatever its version; 0 is unknown. */
  readonly version = new Uint32Array(3);
  /** Network with far prefix: two of them are two places. 0 is unknown. */
  place = 0;
  /** bytes out, bytes in, records: the value, and log2(1 + value); -1 is unknown. */
  readonly size = new Float64Array(3);
  readonly octaves = new Float64Array(3);

  read(event: CanonicalEvent): void {
    if (this.event === event) return;
    this.event = event;
    this.#fetch(event);
    this.tool = names.of(event.tool?.name ?? event.action.name ?? event.action.operation);
    this.server = event.tool?.server === undefined ? 0 : names.of(event.tool.server);
    this.operation = OPERATION_CODE.get(event.action.operation) as number;
    this.operation_hash = OPERATION_HASH[this.operation] as number;
    this.weight = WEIGHT[this.operation] as number;
    this.outcome = OUTCOME[event.outcome.status];
    this.#readResources(event);
    this.#readSizes(event);
    this.#readAccess(event);
    this.#readVersions(event);
  }

  /** The texts of an event lie here and there in memory. Looked at beforehand, they come in one go. */
  #fetch({ tenant, identity, tool, resources, source, credential }: CanonicalEvent): void {
    const resource = resources[0];
    this.fetched =
      tenant.length +
      (identity.peer_group?.length ?? 0) +
      (identity.version?.length ?? 0) +
      (tool?.name.length ?? 0) +
      (tool?.server?.length ?? 0) +
      (tool?.version?.length ?? 0) +
      (resource?.id.length ?? 0) +
      (resource?.store?.length ?? 0) +
      (resource?.classification?.length ?? 0) +
      (source?.ip?.length ?? 0) +
      (source?.network?.length ?? 0) +
      (source?.workload?.length ?? 0) +
      (credential?.id.length ?? 0) +
      (credential?.kind?.length ?? 0);
  }

  #readVersions({ identity, tool }: CanonicalEvent): void {
    const { version } = this;
    version[VERSION.identity] =
      identity.version === undefined ? 0 : versionKey(VERSION.identity, 0, names.of(identity.version));
    const of = this.server === 0 ? this.tool : this.server;
    version[VERSION.tool] = tool?.version === undefined ? 0 : versionKey(VERSION.tool, of, names.of(tool.version));
    version[VERSION.known] = tool?.version === undefined ? 0 : versionKey(VERSION.known, of, 0);
  }

  #readAccess({ source, credential }: CanonicalEvent): void {
    const { access } = this;
    access.fill(0);
    this.place = 0;
    if (credential !== undefined) {
      access[ACCESS.credential] = accessKey(ACCESS.credential, names.of(credential.id));
      if (credential.kind !== undefined) access[ACCESS.kind] = accessKey(ACCESS.kind, names.of(credential.kind));
    }
    if (source === undefined) return;
    if (source.workload !== undefined) {
      access[ACCESS.workload] = accessKey(ACCESS.workload, names.of(source.workload));
    }
    if (source.network !== undefined) {
      const network = names.of(source.network);
      access[ACCESS.network] = accessKey(ACCESS.network, network);
      this.place = network;
    }
    if (source.ip === undefined) return;
    readPrefixes(source.ip, prefixes);
    access[ACCESS.address] = accessKey(ACCESS.address, prefixes.near);
    this.place = mix(this.place, prefixes.far);
  }

  #readResources(event: CanonicalEvent): void {
    const count = Math.min(event.resources.length, RESOURCES_MAX);
    this.store = 0;
    this.classification = 0;
    this.level = -1;
    this.sensitive = 0;
    this.resources = 0;
    let signature = this.tool;
    for (let i = 0; i < count; i++) {
      const resource = event.resources[i] as CanonicalEvent['resources'][number];
      let hash = hashText(resource.id);
      if (resource.store !== undefined) {
        const store = names.of(resource.store);
        if (this.store === 0) this.store = store;
        hash = mix(hash, store);
      }
      if (resource.classification !== undefined) {
        const level = sensitivityOf(resource.classification);
        if (this.classification === 0 || level > this.level) {
          this.level = level;
          this.classification = names.of(resource.classification);
          this.sensitive = i;
        }
      }
      if (this.#has(hash)) continue;
      this.resource[this.resources] = hash;
      this.position[this.resources] = i;
      this.token[this.resources] = mix(this.tool, hash);
      this.resources++;
      signature = mix(signature, hash);
    }
    this.tokens = this.resources;
    if (this.tokens === 0) {
      this.token[0] = this.tool;
      this.tokens = 1;
    }
    this.signature = signature;
  }

  #has(hash: number): boolean {
    for (let i = 0; i < this.resources; i++) if (this.resource[i] === hash) return true;
    return false;
  }

  #readSizes(event: CanonicalEvent): void {
    this.#readSize(0, event.volume.bytes_out);
    this.#readSize(1, event.volume.bytes_in);
    this.#readSize(2, event.volume.records);
    this.signature = mix(this.signature, Math.round((this.octaves[1] as number) * SIZE_STEPS) + 1);
  }

  #readSize(index: number, value: number | undefined): void {
    const known = value !== undefined && value >= 0;
    const bounded = known ? Math.min(value, LIMITS.volume_max) : -1;
    this.size[index] = bounded;
    this.octaves[index] = known ? log2(1 + bounded) : -1;
  }
}
