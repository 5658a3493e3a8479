import { EVENTS, type RuleText } from './rule-text.ts';

/** Roles in the system's namespaces (bootstrappolicy/namespace_policy.go). */
export const NAMESPACE_ROLES: Readonly<Record<string, Readonly<Record<string, readonly RuleText[]>>>> = {
  'kube-public': {
    'system:controller:bootstrap-signer': [
      'read | core | configmaps',
      'update | core | configmaps | cluster-info',
      EVENTS,
    ],
  },
  'kube-system': {
    'extension-apiserver-authentication-reader': [
      'read | core | configmaps | extension-apiserver-authentication',
    ],
    'system::leader-locking-kube-controller-manager': [
      'create,get,list,update,watch | coordination.k8s.io | leases',
      'create,get,list,update,watch | coordination.k8s.io | leasecandidates',
    ],
    'system::leader-locking-kube-scheduler': [
      'create,get,list,update,watch | coordination.k8s.io | leases',
      'create,get,list,update,watch | coordination.k8s.io | leasecandidates',
    ],
    'system:controller:bootstrap-signer': ['read | core | secrets'],
    'system:controller:cloud-provider': ['create,get,list,watch | core | configmaps'],
    'system:controller:token-cleaner': ['delete,get,list,watch | core | secrets', EVENTS],
  },
};
