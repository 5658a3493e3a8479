export { BackupError, type BackupSummary } from './backup-file.ts';
export { createBackup, openExistingEngine } from './create.ts';
export { restoreBackup } from './restore.ts';
