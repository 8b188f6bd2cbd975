import type { Resource } from '../../../schemas/event.ts';
import { LIMITS } from '../../../schemas/limits.ts';
import { isObject, type JsonObject } from '../decode.ts';
import { textOf } from '../typed-rows.ts';
import { resourceOfArn } from './principal.ts';

/** One more than an event may hold, so that the cut is noticed. */
const RESOURCES_MAX = LIMITS.resources_per_event_max + 1;

/** What the call touched: what `resources` lists, else what the parameters name. `service` is the event source. */
export function resourcesOf(record: JsonObject, service: string): Resource[] {
  const listed = listedResources(record.resources, service);
  return listed.length > 0 ? listed : namedResources(record.requestParameters, service);
}

/**
 * In the order of the record. A bucket beside an object in it is left out: it is the object's store, and whoever reads one
 * new object after another in a bucket that it knows reads new things all the same.
 */
function listedResources(list: unknown, service: string): Resource[] {
  if (!Array.isArray(list)) return [];
  const found: Resource[] = [];
  for (const element of list as unknown[]) {
    if (found.length >= RESOURCES_MAX) break;
    if (!isObject(element)) continue;
    const prefix = textOf(element.ARNPrefix);
    const arn = textOf(element.ARN) ?? (prefix === undefined ? undefined : `${prefix}*`);
    if (arn === undefined) continue;
    const kind = textOf(element.type);
    found.push({ ...(resourceOfArn(arn) ?? { id: arn, store: service }), ...(kind === undefined ? {} : { kind }) });
  }
  const stores = new Set(found.map(({ store }) => store));
  return found.filter(({ id, kind }) => kind !== BUCKET || !stores.has(id));
}

const BUCKET = 'AWS::S3::Bucket';

/** Accounts to which the listed resources belong. */
export function resourceAccounts(list: unknown): readonly string[] {
  if (!Array.isArray(list)) return [];
  return (list as unknown[]).slice(0, RESOURCES_MAX).flatMap((element) => {
    const account = isObject(element) ? textOf(element.accountId) : undefined;
    return account === undefined ? [] : [account];
  });
}

/**
 * Parameters that name a resource, in lower case, most telling first: services write the same one as `instanceId`,
 * `InstanceId` or `instanceIds`. The kinds are those of AWS CloudFormation and of `resources[].type`.
 */
const PARAMETERS: readonly (readonly [names: string, kind: string | undefined])[] = [
  ['secretid', 'AWS::SecretsManager::Secret'],
  ['rolename rolearn rolearns', 'AWS::IAM::Role'],
  ['username', 'AWS::IAM::User'],
  ['groupname', 'AWS::IAM::Group'],
  ['policyarn', 'AWS::IAM::Policy'],
  ['samlproviderarn openidconnectproviderarn trustanchorid', undefined],
  ['functionname', 'AWS::Lambda::Function'],
  ['modelid modelidentifier', 'AWS::Bedrock::Model'],
  ['agentid agentidentifier agentaliasid agentruntimearn', 'AWS::Bedrock::Agent'],
  ['knowledgebaseid', 'AWS::Bedrock::KnowledgeBase'],
  ['guardrailidentifier flowidentifier promptidentifier', undefined],
  ['tablename', 'AWS::DynamoDB::Table'],
  ['snapshotid snapshotids', 'AWS::EC2::Snapshot'],
  ['imageid imageids', 'AWS::EC2::Image'],
  ['instanceid instanceids', 'AWS::EC2::Instance'],
  ['volumeid volumeids', 'AWS::EC2::Volume'],
  ['groupid groupids securitygroupids', 'AWS::EC2::SecurityGroup'],
  ['flowlogid flowlogids', 'AWS::EC2::FlowLog'],
  ['dbsnapshotidentifier dbclustersnapshotidentifier', 'AWS::RDS::DBSnapshot'],
  ['dbinstanceidentifier', 'AWS::RDS::DBInstance'],
  ['dbclusteridentifier clusteridentifier', 'AWS::RDS::DBCluster'],
  ['queueurl', 'AWS::SQS::Queue'],
  ['topicarn targetarn', 'AWS::SNS::Topic'],
  ['streamname streamarn deliverystreamname', 'AWS::Kinesis::Stream'],
  ['loggroupname loggroupidentifier', 'AWS::Logs::LogGroup'],
  ['trailname trailarn eventdatastore', 'AWS::CloudTrail::Trail'],
  ['detectorid', 'AWS::GuardDuty::Detector'],
  ['stackname', 'AWS::CloudFormation::Stack'],
  ['repositoryname', 'AWS::ECR::Repository'],
  ['resolverquerylogconfigid', 'AWS::Route53Resolver::ResolverQueryLoggingConfig'],
  ['statemachinearn executionarn', 'AWS::StepFunctions::StateMachine'],
  ['organizationid organizationalunitid', undefined],
  ['resourcearn resourcearns resourceid resourceids', undefined],
];

/** Parameters that say by what means or at which place, and name what was touched only where nothing else does. */
const PLACES: typeof PARAMETERS = [
  ['keyid', 'AWS::KMS::Key'],
  ['documentname', 'AWS::SSM::Document'],
  ['accesskeyid', 'AWS::IAM::AccessKey'],
  ['workgroup', 'AWS::Athena::WorkGroup'],
  ['clustername cluster databasename domainname distributionid hostedzoneid', undefined],
  ['userpoolid identitypoolid restapiid apiid', undefined],
  ['vpcid subnetid networkinterfaceid natgatewayid internetgatewayid routetableid networkaclid', undefined],
];

type Known = { readonly rank: number; readonly kind: string | undefined };

const KNOWN_PARAMETERS: ReadonlyMap<string, Known> = new Map(
  [...PARAMETERS, ...PLACES].flatMap(([names, kind], rank) =>
    names.split(' ').map((name): [string, Known] => [name, { rank, kind }]),
  ),
);

/** Parameters of one service whose name means something else, or nothing, at others. */
const OF_SERVICE: ReadonlyMap<string, Known> = new Map([
  ['ssm/name', { rank: 0, kind: 'AWS::SSM::Parameter' }],
  ['ssm/names', { rank: 0, kind: 'AWS::SSM::Parameter' }],
  ['ssm/path', { rank: 0, kind: 'AWS::SSM::Parameter' }],
  ['ssm/target', { rank: 0, kind: 'AWS::EC2::Instance' }],
  ['cloudtrail/name', { rank: 0, kind: 'AWS::CloudTrail::Trail' }],
  ['secretsmanager/name', { rank: 0, kind: 'AWS::SecretsManager::Secret' }],
]);

/** Conditions of a search, and a second name of a function: neither is what the call touched. */
const SKIPPED: ReadonlySet<string> = new Set(['filter', 'filters', 'filterset', 'fullyqualifiedarn']);

const NODES_MAX = 500;
const DEPTH_MAX = 6;

type Search = { readonly service: string; readonly found: (Resource & { rank: number })[]; left: number };

/** Looks for names of resources at any place in the parameters, within bounds: services wrap them differently. */
function namedResources(parameters: unknown, service: string): Resource[] {
  if (!isObject(parameters)) return [];
  const of_s3 = s3Resource(parameters);
  if (of_s3 !== undefined) return of_s3;
  const search: Search = { service, found: [], left: NODES_MAX };
  visitFields(parameters, search, 0);
  const sorted = search.found.toSorted((a, b) => a.rank - b.rank);
  const touched = sorted.filter(({ rank }) => rank < PARAMETERS.length);
  const unique = new Map((touched.length > 0 ? touched : sorted).map((each) => [each.id, each]));
  return [...unique.values()].slice(0, RESOURCES_MAX).map(({ rank: _, ...resource }) => resource);
}

/** S3 names bucket and key apart. */
function s3Resource({ bucketName, key, prefix }: JsonObject): Resource[] | undefined {
  const bucket = textOf(bucketName);
  if (bucket === undefined) return undefined;
  const object = textOf(key);
  const listed = textOf(prefix);
  if (object === undefined && listed === undefined) return [{ id: bucket, store: 's3', kind: BUCKET }];
  return [{ id: object ?? `${listed ?? ''}*`, store: bucket, kind: 'AWS::S3::Object' }];
}

function visitFields(object: JsonObject, search: Search, depth: number): void {
  for (const name in object) {
    if (--search.left < 0 || search.found.length >= 2 * RESOURCES_MAX) return;
    const value = object[name];
    const lower = name.length > 64 ? '' : name.toLowerCase();
    const known = OF_SERVICE.get(`${search.service}/${lower}`) ?? KNOWN_PARAMETERS.get(lower);
    if (known !== undefined) take(value, known, search);
    if (depth < DEPTH_MAX && !SKIPPED.has(lower) && typeof value === 'object' && value !== null)
      visitInner(value, search, depth + 1);
  }
}

function visitInner(value: object, search: Search, depth: number): void {
  if (!Array.isArray(value)) visitFields(value as JsonObject, search, depth);
  else
    for (const element of value as unknown[]) {
      if (--search.left < 0) return;
      if (isObject(element)) visitFields(element, search, depth + 1);
    }
}

/** A text, a list of them, or EC2's way of writing one: `{"content": "i-1", "tag": 1}`. */
function take(value: unknown, { kind, rank }: Known, search: Search): void {
  const values = Array.isArray(value) ? (value as unknown[]) : [isObject(value) ? value.content : value];
  for (const each of values) {
    if (--search.left < 0 || search.found.length >= 2 * RESOURCES_MAX) return;
    if (typeof each !== 'string' || each === '') continue;
    const named = resourceOfArn(each) ?? { id: each, store: search.service };
    search.found.push({ ...named, ...(kind === undefined ? {} : { kind }), rank });
  }
}
