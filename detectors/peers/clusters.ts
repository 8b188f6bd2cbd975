import { KIND } from '../group.ts';
import { add, type Merged, sum } from '../merged.ts';

/**
 * Which parts of an undeclared group belong together. Its members were told apart by the tools they use most, so one team
 * may stand under several labels; parts whose shares of calls by tool are alike are one cluster.
 *
 * Leader clustering (Hartigan, Clustering Algorithms, 1975): the most taught part comes first, each joins the cluster that
 * it is most like, or founds one. Likeness is Bhattacharyya's coefficient (1943), the sum of the roots of the products of
 * shares: 1 for equal shares, 0 where no tool is common.
 */
/** Teams of simulated fleets come out alike between 0.3 and 0.5; above, roles within a team part (docs/decisions/peer-groups.md). */
const LIKE_ENOUGH = 0.45;
const CLUSTERS_MAX = 64;

export type Cluster = { readonly name: string; readonly labels: readonly number[]; readonly table: Merged };

/** The clusters, the one with the most taught leader first. The same parts in any order give the same ones. */
export function clustersOf(parts: ReadonlyMap<number, Merged>): Cluster[] {
  const order = [...parts].sort(([a, one], [b, other]) => other.sessions - one.sessions || a - b);
  const clusters: Draft[] = [];
  for (const [label, part] of order) {
    const roots = rootsOf(part);
    const like = mostLike(clusters, roots);
    if (like !== undefined) {
      like.labels.push(label);
      add(like.table, part);
      like.roots = rootsOf(like.table);
    } else if (clusters.length < CLUSTERS_MAX) {
      const name = `tools:${label.toString(16).padStart(8, '0')}`;
      clusters.push({ name, labels: [label], table: sum([part]), roots });
    }
  }
  return clusters;
}

/** Square roots of the shares of calls by tool, in the order of tools. */
type Roots = ReadonlyMap<number, number>;

type Draft = { readonly name: string; readonly labels: number[]; readonly table: Merged; roots: Roots };

function mostLike(clusters: readonly Draft[], roots: Roots): Draft | undefined {
  let best: Draft | undefined;
  let most = LIKE_ENOUGH;
  for (const cluster of clusters) {
    const like = affinity(roots, cluster.roots);
    if (like < most) continue;
    most = like;
    best = cluster;
  }
  return best;
}

function rootsOf({ counts }: Merged): Roots {
  const tools = [...counts].filter(([key]) => (key & 7) === KIND.tool).sort(([a], [b]) => a - b);
  const total = tools.reduce((all, [, count]) => all + count, 0);
  return new Map(tools.map(([tool, count]) => [tool, Math.sqrt(count / total)]));
}

function affinity(a: Roots, b: Roots): number {
  let like = 0;
  for (const [tool, root] of a) like += root * (b.get(tool) ?? 0);
  return like;
}
