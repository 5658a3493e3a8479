import type { PolicyRule } from '../../../../kube/index.ts';
import type { UserInfo } from '../../user.ts';
import {
  ALLOWED,
  type Attributes,
  type Authorizer,
  type Decision,
  NO_OPINION,
  type ObjectSource,
  type ResourceAttributes,
  type RuleList,
} from '../contract.ts';
import { ruleAllows } from '../rbac/rule.ts';
import { NodeGraph } from './graph.ts';
import { nodeNameOf } from './identity.ts';
import type { ReferenceKind } from './references.ts';

const NODE_LEASES = 'kube-node-lease';

/** Lets a node read and write what its own pods need, and itself (plugin/pkg/auth/authorizer/node). */
export class NodeAuthorizer implements Authorizer {
  readonly #source: ObjectSource;
  readonly #nodeRules: readonly PolicyRule[];
  #graph: NodeGraph | undefined;

  /** `nodeRules`: of the role system:node, for what no pod decides. */
  constructor(source: ObjectSource, nodeRules: readonly PolicyRule[]) {
    this.#source = source;
    this.#nodeRules = nodeRules;
  }

  decide(user: UserInfo, attributes: Attributes): Decision {
    const node = nodeNameOf(user);
    if (node === undefined) return NO_OPINION;
    if (node === '') return because(`unknown node for user ${JSON.stringify(user.name)}`);
    const special = 'path' in attributes ? undefined : this.#decideResource(node, attributes);
    if (special) return special;
    return this.#nodeRules.some((rule) => ruleAllows(rule, attributes)) ? ALLOWED : NO_OPINION;
  }

  rulesFor(user: UserInfo): RuleList {
    if (nodeNameOf(user) === undefined) return { rules: [], incomplete: false, error: '' };
    return { rules: [], incomplete: true, error: 'node authorizer does not support user rule resolution' };
  }

  /** The graph of what nodes have to do with: made when the first of them asks. */
  get #relations(): NodeGraph {
    this.#graph ??= new NodeGraph(this.#source);
    return this.#graph;
  }

  /** `undefined`: the rules of nodes decide. */
  #decideResource(node: string, attributes: ResourceAttributes): Decision | undefined {
    const { group, resource, subresource } = attributes;
    switch (group === '' ? resource : `${resource}.${group}`) {
      case 'secrets':
        return this.#read(node, 'secret', attributes);
      case 'configmaps':
        return this.#read(node, 'configMap', attributes);
      case 'persistentvolumeclaims':
        return subresource === 'status'
          ? this.#claimStatus(node, attributes)
          : this.#get(node, attributes, (name) => this.#refers(node, 'claim', attributes, name));
      case 'persistentvolumes':
        return this.#get(node, attributes, (name) => this.#relations.hasVolume(node, name));
      case 'volumeattachments.storage.k8s.io':
        return this.#get(node, attributes, (name) => this.#relations.isAttachedTo(node, name));
      case 'serviceaccounts':
        return this.#serviceAccount(node, attributes);
      case 'leases.coordination.k8s.io':
        return lease(node, attributes);
      case 'csinodes.storage.k8s.io':
        return csiNode(node, attributes);
      case 'nodes':
        return itself(node, attributes);
      case 'pods':
        return this.#pod(node, attributes);
      default:
        return undefined;
    }
  }

  #refers(node: string, kind: ReferenceKind, { namespace = '' }: ResourceAttributes, name: string): boolean {
    return this.#relations.refersTo(node, kind, namespace, name);
  }

  #read(node: string, kind: ReferenceKind, attributes: ResourceAttributes): Decision {
    const { verb, subresource, namespace } = attributes;
    if (verb !== 'get' && verb !== 'list' && verb !== 'watch')
      return because('can only read resources of this type');
    if (subresource) return because('cannot read subresource');
    if (!namespace) return because('can only read namespaced object of this type');
    return named(node, attributes, (name) => this.#refers(node, kind, attributes, name));
  }

  #get(node: string, attributes: ResourceAttributes, isRelated: (name: string) => boolean): Decision {
    if (attributes.verb !== 'get') return because('can only get individual resources of this type');
    if (attributes.subresource) return because('cannot get subresource');
    return named(node, attributes, isRelated);
  }

  #claimStatus(node: string, attributes: ResourceAttributes): Decision {
    const { verb } = attributes;
    if (verb !== 'update' && verb !== 'patch') return because('can only get/update/patch this type');
    return named(node, attributes, (name) => this.#refers(node, 'claim', attributes, name));
  }

  #serviceAccount(node: string, attributes: ResourceAttributes): Decision {
    const { verb, subresource, name } = attributes;
    if (verb === 'get' && !subresource) return this.#read(node, 'serviceAccount', attributes);
    if (verb !== 'create' || !name) return because('can only create tokens for individual service accounts');
    if (subresource !== 'token') return because('can only create token subresource of serviceaccount');
    return named(node, attributes, () => this.#refers(node, 'serviceAccount', attributes, name));
  }

  #pod(node: string, attributes: ResourceAttributes): Decision {
    const { verb, subresource = '', fieldSelector = [] } = attributes;
    const isRelated = (name: string) => this.#refers(node, 'pod', attributes, name);
    switch (`${verb} ${subresource}`) {
      case 'get ':
        return this.#get(node, attributes, isRelated);
      case 'list ':
      case 'watch ':
        if (fieldSelector.some((term) => term.path === 'spec.nodeName' && term.equals && term.value === node))
          return ALLOWED;
        return attributes.name
          ? named(node, attributes, isRelated)
          : because('can only list/watch pods with spec.nodeName field selector');
      case 'create ':
      case 'delete ':
      case 'update status':
      case 'patch status':
      case 'create eviction':
        return ALLOWED;
      default:
        return NO_OPINION;
    }
  }
}

function because(reason: string): Decision {
  return { allowed: false, reason };
}

function named(node: string, { name }: ResourceAttributes, isRelated: (name: string) => boolean): Decision {
  if (!name) return because('No Object name found');
  return isRelated(name) ? ALLOWED : because(`no relationship found between node '${node}' and this object`);
}

const OWN_VERBS: ReadonlySet<string> = new Set(['get', 'create', 'update', 'patch', 'delete']);

function lease(node: string, { verb, namespace, name }: ResourceAttributes): Decision {
  if (!OWN_VERBS.has(verb)) return because('can only get, create, update, patch, or delete a node lease');
  if (namespace !== NODE_LEASES)
    return because(`can only access leases in the ${JSON.stringify(NODE_LEASES)} system namespace`);
  if (verb !== 'create' && name !== node)
    return because('can only access node lease with the same name as the requesting node');
  return ALLOWED;
}

function csiNode(node: string, { verb, subresource, name }: ResourceAttributes): Decision {
  if (!OWN_VERBS.has(verb)) return because('can only get, create, update, patch, or delete a CSINode');
  if (subresource) return because('cannot authorize CSINode subresources');
  if (verb !== 'create' && name !== node)
    return because('can only access CSINode with the same name as the requesting node');
  return ALLOWED;
}

function itself(node: string, { verb, subresource = '', name }: ResourceAttributes): Decision {
  switch (`${verb} ${subresource}`) {
    case 'create ':
    case 'update ':
    case 'patch ':
    case 'update status':
    case 'patch status':
      return ALLOWED;
    case 'get ':
    case 'list ':
    case 'watch ':
      if (name === node) return ALLOWED;
      return because(
        name
          ? `node '${node}' cannot read '${name}', only its own Node object`
          : `node '${node}' cannot read all nodes, only its own Node object`,
      );
    default:
      return NO_OPINION;
  }
}
