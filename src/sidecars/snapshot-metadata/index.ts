export {
  createSnapshotMetadata,
  type SnapshotMetadataComponent,
  type SnapshotMetadataOptions,
} from './snapshot-metadata.ts';
