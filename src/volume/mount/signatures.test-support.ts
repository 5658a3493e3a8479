/** The size of an image: the superblocks of some RAIDs are at its end, and blkid does not look for them on a floppy. */
export const IMAGE_BYTES = 4 << 20;

/** What is on a disk, as little of it as makes libblkid see it. Offsets below 0 count from the end. */
export interface Signature {
  /** TYPE, or `PTTYPE NAME` of a partition table. */
  readonly name: string;
  readonly pieces: readonly (readonly [offset: number, content: string | readonly number[]])[];
}

const KIB = 1024;

/** Little-endian, of so many bytes each. */
const le = (size: 1 | 2 | 4 | 8, ...values: number[]) =>
  values.flatMap((value) =>
    Array.from({ length: size }, (_, index) => Math.floor(value / 256 ** index) % 256),
  );
const be32 = (...values: number[]) => values.flatMap((value) => le(4, value).reverse());
const hex = (digits: string) => [...Buffer.from(digits.replaceAll(' ', ''), 'hex')];

const MD_MAGIC = 0xa92b4efc;
const BOOT_SIGNATURE = [0x55, 0xaa];

/** Signatures that libblkid knows, by their magic numbers; the checksums of LVM2 and GPT are those of this very content. */
export const SIGNATURES: readonly Signature[] = [
  { name: 'ext2', pieces: [[KIB + 0x38, [0x53, 0xef]]] },
  {
    name: 'ext4',
    pieces: [
      [KIB + 0x38, [0x53, 0xef]],
      [KIB + 0x5c, le(4, 4, 0x40, 0)],
    ],
  },
  {
    name: 'jbd',
    pieces: [
      [KIB + 0x38, [0x53, 0xef]],
      [KIB + 0x60, le(4, 8)],
    ],
  },
  {
    name: 'xfs',
    pieces: [
      [0, hex('58465342 00001000 00000000 00012c00')],
      [0x30, hex('00000000 00010006 00000000 00000080 00000000 00000081 00000000 00000082')],
      [0x50, hex('00000001 00004b00 00000004 00000000 00004000 b4a50200 02000008')],
      [0x78, hex('0c090903 0f000019 00000000 00000040 00000000 0000003d 00000000 0000ebe0')],
      [0xb4, hex('00000008')],
    ],
  },
  { name: 'btrfs', pieces: [[64 * KIB + 0x40, '_BHRfS_M']] },
  { name: 'f2fs', pieces: [[KIB, hex('1020f5f2 0100 0f00')]] },
  {
    name: 'vfat',
    pieces: [
      [0, [0xeb, 0x3c, 0x90]],
      [3, 'MSDOS5.0'],
      [11, [...le(2, 512), 1, ...le(2, 1), 2, ...le(2, 512, 128), 0xf8, ...le(2, 1, 32, 2)]],
      [0x36, 'FAT12   '],
      [510, BOOT_SIGNATURE],
    ],
  },
  {
    // Its boot sector also passes for a partition table.
    name: 'PTTYPE dos',
    pieces: [
      [3, 'EXFAT   '],
      [64, [...le(8, 0, 8192), ...le(4, 24, 8, 32, 1000, 4, 1), ...le(2, 0x100, 0), 9, 3, 1, 0x80]],
      [510, BOOT_SIGNATURE],
    ],
  },
  { name: 'ReFS', pieces: [[3, 'ReFS']] },
  {
    name: 'apfs',
    pieces: [
      [24, le(4, 0x80000001)],
      [32, 'NXSB'],
      [36, le(4, 4096)],
    ],
  },
  {
    name: 'hfs',
    pieces: [
      [KIB, 'BD'],
      [KIB + 20, be32(512)],
    ],
  },
  {
    name: 'hfsplus',
    pieces: [
      [KIB, 'H+\0\u0004'],
      [KIB + 40, be32(4096)],
    ],
  },
  { name: 'ufs', pieces: [[8 * KIB + 0x55c, hex('54190100')]] },
  { name: 'iso9660', pieces: [[32 * KIB, '\u0001CD001\u0001']] },
  {
    name: 'squashfs',
    pieces: [
      [0, 'hsqs'],
      [28, le(2, 4)],
    ],
  },
  {
    name: 'squashfs3',
    pieces: [
      [0, 'sqsh'],
      [28, [0, 3]],
    ],
  },
  {
    name: 'erofs',
    pieces: [
      [KIB, hex('e2e1f5e0')],
      [KIB + 12, [12]],
    ],
  },
  {
    name: 'cramfs',
    pieces: [
      [0, hex('453dcd28')],
      [16, 'Compressed ROMFS'],
    ],
  },
  { name: 'romfs', pieces: [[0, '-rom1fs-']] },
  {
    name: 'minix',
    pieces: [
      [KIB, le(2, 32, 100, 1, 1, 5, 0)],
      [KIB + 16, [0x7f, 0x13]],
    ],
  },
  {
    name: 'reiserfs',
    pieces: [
      [64 * KIB, le(4, 1000, 10, 10, 1000)],
      [64 * KIB + 44, le(2, 4096)],
      [64 * KIB + 52, 'ReIsEr2Fs'],
    ],
  },
  { name: 'reiser4', pieces: [[64 * KIB, 'ReIsEr4']] },
  { name: 'zonefs', pieces: [[0, 'SFOZ']] },
  { name: 'vxfs', pieces: [[KIB, hex('f5fc01a5')]] },
  { name: 'nss', pieces: [[4 * KIB, 'SPB5']] },
  { name: 'bfs', pieces: [[0, hex('cefaad1b')]] },
  { name: 'VMFS', pieces: [[2048 * KIB, hex('5ef1ab2f')]] },
  { name: 'VMFS_volume_member', pieces: [[1024 * KIB, hex('0dd001c0')]] },
  { name: 'oracleasm', pieces: [[32, 'ORCLDISK']] },
  { name: 'ceph_bluestore', pieces: [[0, 'bluestore block device']] },
  { name: 'ubi', pieces: [[0, 'UBI#\u0001']] },
  {
    name: 'swap',
    pieces: [
      [KIB, le(4, 1, 1023)],
      [4086, 'SWAPSPACE2'],
    ],
  },
  { name: 'swap', pieces: [[4086, 'SWAP-SPACE']] },
  { name: 'swsuspend', pieces: [[4086, 'S1SUSPEND']] },
  {
    name: 'crypto_LUKS',
    pieces: [
      [0, 'LUKS'],
      [4, hex('babe 0001')],
    ],
  },
  {
    name: 'crypto_LUKS',
    pieces: [
      [0, 'LUKS'],
      [4, hex('babe 0002')],
    ],
  },
  {
    name: 'BitLocker',
    pieces: [
      [0, [0xeb, 0x52, 0x90]],
      [3, '-FVE-FS-'],
    ],
  },
  {
    name: 'LVM2_member',
    pieces: [
      [512, 'LABELONE'],
      [520, [...le(8, 1), ...le(4, 0x82bd67dd, 32)]],
      [536, `LVM2 001${'U'.repeat(32)}`],
    ],
  },
  { name: 'LVM1_member', pieces: [[0, 'HM\u0001\0']] },
  { name: 'DM_snapshot_cow', pieces: [[0, 'SnAp\u0001']] },
  { name: 'DM_verity_hash', pieces: [[0, 'verity\0\0\u0001']] },
  { name: 'DM_integrity', pieces: [[0, 'integrt\0\u0001']] },
  { name: 'vdo', pieces: [[0, 'dmvdo001']] },
  { name: 'drbd', pieces: [[-4 * KIB + 0x3c, hex('8374026d')]] },
  { name: 'drbdproxy_datalog', pieces: [[0, 'DRBDdlh*']] },
  {
    name: 'bcache',
    pieces: [
      [4 * KIB + 8, le(8, 8)],
      [4 * KIB + 24, hex('c68573f64e1a45ca8265f57f48ba6d81')],
    ],
  },
  { name: 'linux_raid_member', pieces: [[-64 * KIB, le(4, MD_MAGIC, 0, 90, 0)]] },
  {
    name: 'linux_raid_member',
    pieces: [
      [-8 * KIB, le(4, MD_MAGIC, 1)],
      [-8 * KIB + 144, le(8, (IMAGE_BYTES - 8 * KIB) / 512)],
    ],
  },
  { name: 'linux_raid_member', pieces: [[0, le(4, MD_MAGIC, 1)]] },
  {
    name: 'linux_raid_member',
    pieces: [
      [4 * KIB, le(4, MD_MAGIC, 1)],
      [4 * KIB + 144, le(8, 8)],
    ],
  },
  { name: 'ddf_raid_member', pieces: [[-512, hex('de11de11')]] },
  { name: 'isw_raid_member', pieces: [[-KIB, 'Intel Raid ISM Cfg Sig. 1.0.00']] },
  { name: 'lsi_mega_raid_member', pieces: [[-512, '$XIDE$']] },
  { name: 'nvidia_raid_member', pieces: [[-KIB, 'NVIDIA']] },
  { name: 'promise_fasttrack_raid_member', pieces: [[-63 * 512, 'Promise Technology, Inc.']] },
  { name: 'hpt45x_raid_member', pieces: [[-11 * 512, hex('f316785a')]] },
  { name: 'jmicron_raid_member', pieces: [[-512, 'JM']] },
  {
    name: 'PTTYPE dos',
    pieces: [
      [446, [0x80, 0, 2, 0, 0x83, 0, 10, 0, ...le(4, 1, 100)]],
      [510, BOOT_SIGNATURE],
    ],
  },
  {
    name: 'PTTYPE gpt',
    pieces: [
      [446, [0, 0, 2, 0, 0xee, 255, 255, 255, ...le(4, 1, 8191)]],
      [510, BOOT_SIGNATURE],
      [512, 'EFI PART'],
      [520, le(4, 0x10000, 92, 0x2f3ef4d6, 0)],
      [536, le(8, 1, 8191, 34, 8158)],
      [568, 'D'.repeat(16)],
      [584, [...le(8, 2), ...le(4, 128, 128, 0xab54d286)]],
    ],
  },
  {
    name: 'PTTYPE mac',
    pieces: [
      [0, hex('45520200')],
      [512, [...hex('504d0000'), ...be32(1, 1, 1)]],
      [560, 'Apple_partition_map'],
    ],
  },
  { name: 'PTTYPE sun', pieces: [[508, hex('dabe dabe')]] },
];

/** The image of a disk that is blank but for the signature. */
export function imageOf({ pieces }: Signature): Buffer {
  const image = Buffer.alloc(IMAGE_BYTES);
  for (const [offset, content] of pieces)
    Buffer.from(typeof content === 'string' ? Buffer.from(content, 'latin1') : content).copy(
      image,
      offset < 0 ? IMAGE_BYTES + offset : offset,
    );
  return image;
}
