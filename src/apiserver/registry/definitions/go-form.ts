// Some messages show a value as Go's JSON of upstream's internal types: all fields, in the order of their declaration,
// under their Go names, with null for what is not there. The table says what those are, for the types that messages show.

/** `Go name=wire name` and the kind: s text, b boolean, n number, `[]` list, `{}` map, `*` pointer, or another struct. */
const STRUCTS: Readonly<Record<string, string>> = {
  PersistentVolumeClaimSpec:
    'AccessModes=accessModes []; Selector=selector *; Resources=resources VolumeResourceRequirements; VolumeName=volumeName s; StorageClassName=storageClassName *; VolumeMode=volumeMode *; DataSource=dataSource *TypedLocalObjectReference; DataSourceRef=dataSourceRef *TypedObjectReference; VolumeAttributesClassName=volumeAttributesClassName *',
  VolumeResourceRequirements: 'Limits=limits {}; Requests=requests {}',
  TypedLocalObjectReference: 'APIGroup=apiGroup *; Kind=kind s; Name=name s',
  TypedObjectReference: 'APIGroup=apiGroup *; Kind=kind s; Name=name s; Namespace=namespace *',
  PersistentVolumeSource:
    'GCEPersistentDisk=gcePersistentDisk *GCEDisk; AWSElasticBlockStore=awsElasticBlockStore *AWSDisk; HostPath=hostPath *HostPath; Glusterfs=glusterfs *Glusterfs; NFS=nfs *NFS; RBD=rbd *RBD; Quobyte=quobyte *Quobyte; ISCSI=iscsi *ISCSI; FlexVolume=flexVolume *Flex; Cinder=cinder *Cinder; CephFS=cephfs *CephFS; FC=fc *FC; Flocker=flocker *Flocker; AzureFile=azureFile *AzureFile; VsphereVolume=vsphereVolume *Vsphere; AzureDisk=azureDisk *AzureDisk; PhotonPersistentDisk=photonPersistentDisk *Photon; PortworxVolume=portworxVolume *Portworx; ScaleIO=scaleIO *ScaleIO; Local=local *Local; StorageOS=storageos *StorageOS; CSI=csi *CSI',
  SecretReference: 'Name=name s; Namespace=namespace s',
  ObjectReference:
    'Kind=kind s; Namespace=namespace s; Name=name s; UID=uid s; APIVersion=apiVersion s; ResourceVersion=resourceVersion s; FieldPath=fieldPath s',
  GCEDisk: 'PDName=pdName s; FSType=fsType s; Partition=partition n; ReadOnly=readOnly b',
  AWSDisk: 'VolumeID=volumeID s; FSType=fsType s; Partition=partition n; ReadOnly=readOnly b',
  HostPath: 'Path=path s; Type=type *',
  Glusterfs:
    'EndpointsName=endpoints s; Path=path s; ReadOnly=readOnly b; EndpointsNamespace=endpointsNamespace *',
  NFS: 'Server=server s; Path=path s; ReadOnly=readOnly b',
  RBD: 'CephMonitors=monitors []; RBDImage=image s; FSType=fsType s; RBDPool=pool s; RadosUser=user s; Keyring=keyring s; SecretRef=secretRef *SecretReference; ReadOnly=readOnly b',
  Quobyte:
    'Registry=registry s; Volume=volume s; ReadOnly=readOnly b; User=user s; Group=group s; Tenant=tenant s',
  ISCSI:
    'TargetPortal=targetPortal s; IQN=iqn s; Lun=lun n; ISCSIInterface=iscsiInterface s; FSType=fsType s; ReadOnly=readOnly b; Portals=portals []; DiscoveryCHAPAuth=chapAuthDiscovery b; SessionCHAPAuth=chapAuthSession b; SecretRef=secretRef *SecretReference; InitiatorName=initiatorName *',
  Flex: 'Driver=driver s; FSType=fsType s; SecretRef=secretRef *SecretReference; ReadOnly=readOnly b; Options=options {}',
  Cinder: 'VolumeID=volumeID s; FSType=fsType s; ReadOnly=readOnly b; SecretRef=secretRef *SecretReference',
  CephFS:
    'Monitors=monitors []; Path=path s; User=user s; SecretFile=secretFile s; SecretRef=secretRef *SecretReference; ReadOnly=readOnly b',
  FC: 'TargetWWNs=targetWWNs []; Lun=lun *; FSType=fsType s; ReadOnly=readOnly b; WWIDs=wwids []',
  Flocker: 'DatasetName=datasetName s; DatasetUUID=datasetUUID s',
  AzureFile:
    'SecretName=secretName s; ShareName=shareName s; ReadOnly=readOnly b; SecretNamespace=secretNamespace *',
  Vsphere:
    'VolumePath=volumePath s; FSType=fsType s; StoragePolicyName=storagePolicyName s; StoragePolicyID=storagePolicyID s',
  AzureDisk:
    'DiskName=diskName s; DataDiskURI=diskURI s; CachingMode=cachingMode *; FSType=fsType *; ReadOnly=readOnly *; Kind=kind *',
  Photon: 'PdID=pdID s; FSType=fsType s',
  Portworx: 'VolumeID=volumeID s; FSType=fsType s; ReadOnly=readOnly b',
  ScaleIO:
    'Gateway=gateway s; System=system s; SecretRef=secretRef *SecretReference; SSLEnabled=sslEnabled b; ProtectionDomain=protectionDomain s; StoragePool=storagePool s; StorageMode=storageMode s; VolumeName=volumeName s; FSType=fsType s; ReadOnly=readOnly b',
  Local: 'Path=path s; FSType=fsType *',
  StorageOS:
    'VolumeName=volumeName s; VolumeNamespace=volumeNamespace s; FSType=fsType s; ReadOnly=readOnly b; SecretRef=secretRef *ObjectReference',
  CSI: 'Driver=driver s; VolumeHandle=volumeHandle s; ReadOnly=readOnly b; FSType=fsType s; VolumeAttributes=volumeAttributes {}; ControllerPublishSecretRef=controllerPublishSecretRef *SecretReference; NodeStageSecretRef=nodeStageSecretRef *SecretReference; NodePublishSecretRef=nodePublishSecretRef *SecretReference; ControllerExpandSecretRef=controllerExpandSecretRef *SecretReference; NodeExpandSecretRef=nodeExpandSecretRef *SecretReference',
  VolumeNodeAffinity: 'Required=required *NodeSelector',
  NodeSelector: 'NodeSelectorTerms=nodeSelectorTerms []NodeSelectorTerm',
  NodeSelectorTerm:
    'MatchExpressions=matchExpressions []NodeSelectorRequirement; MatchFields=matchFields []NodeSelectorRequirement',
  NodeSelectorRequirement: 'Key=key s; Operator=operator s; Values=values []',
  VolumeAttachmentSpec: 'Attacher=attacher s; Source=source VolumeAttachmentSource; NodeName=nodeName s',
  VolumeAttachmentSource: 'PersistentVolumeName=persistentVolumeName *; InlineVolumeSpec=inlineVolumeSpec *',
  CSINodeDriver: 'Name=name s; NodeID=nodeID s; TopologyKeys=topologyKeys []; Allocatable=allocatable *',
  UpdateStrategy: 'Type=type s; RollingUpdate=rollingUpdate *',
  StatefulSetRollingUpdate: 'Partition=partition n; MaxUnavailable=maxUnavailable *',
  PodDisruptionBudgetSpec:
    'MinAvailable=minAvailable *; Selector=selector *; MaxUnavailable=maxUnavailable *; UnhealthyPodEvictionPolicy=unhealthyPodEvictionPolicy *',
  ScopeSelector: 'MatchExpressions=matchExpressions []ScopeRequirement',
  ScopeRequirement: 'ScopeName=scopeName s; Operator=operator s; Values=values []',
  Taint: 'Key=key s; Value=value s; Effect=effect s; TimeAdded=timeAdded *',
};

const ZERO: Readonly<Record<string, unknown>> = { s: '', b: false, n: 0, '[]': null, '{}': null, '*': null };

/** The value as Go shows a `struct` of that name. */
export function goForm(struct: string, value: unknown): unknown {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>;
  const result: Record<string, unknown> = {};
  for (const entry of STRUCTS[struct]!.split('; ')) {
    const [, goName, wireName, kind] = /^(\w+)=(\w+) (.+)$/.exec(entry) as unknown as string[];
    result[goName!] = formOf(kind!, fields[wireName!]);
  }
  return result;
}

function formOf(kind: string, value: unknown): unknown {
  if (kind in ZERO) return value ?? ZERO[kind];
  if (kind.startsWith('*')) return value === undefined ? null : goForm(kind.slice(1), value);
  if (kind.startsWith('[]')) {
    return value === undefined ? null : (value as unknown[]).map((item) => goForm(kind.slice(2), item));
  }
  return goForm(kind, value);
}
