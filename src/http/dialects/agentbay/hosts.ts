/**
 * The hosts that newer clients call whatever their settings say (AGENTBAY_REGION_ID chooses one): an entry in the hosts
 * file leads them here. The certificate for development is for these names, too.
 */
export const AGENTBAY_HOSTS: readonly string[] = [
  'agentbay.cn-hangzhou.aliyuncs.com',
  'agentbay.cn-shanghai.aliyuncs.com',
  'agentbay.ap-southeast-1.aliyuncs.com',
];
