import type { DescService } from '@bufbuild/protobuf';
import type { Clock, Logger } from '../../base/index.ts';
import { CSI_SERVICE_NAMES, CSI_SERVICES, type CsiServiceName } from '../services.ts';
import {
  declared,
  derivedController,
  derivedGroupController,
  derivedIdentity,
  derivedNode,
} from './capabilities.ts';
import type { CsiServices } from './handlers.ts';
import { onceByName } from './once-by-name.ts';
import { missingArgument } from './required-arguments.ts';
import { createRoutes, type Routes, type ServiceBinding } from './router.ts';
import { unsupportedArgument } from './unsupported-arguments.ts';

/** What a service may contain beside handlers. */
const OWN_FIELDS: Readonly<Record<CsiServiceName, readonly string[]>> = {
  identity: ['name', 'vendorVersion', 'manifest', 'topology', 'volumeExpansion'],
  controller: ['capabilities', 'volumeByName', 'snapshotByName'],
  node: ['capabilities'],
  groupController: ['groupSnapshotByName'],
  snapshotMetadata: [],
};

/** Source: CSI specification, GetPluginInfoResponse.name. */
const MAX_DRIVER_NAME_LENGTH = 63;
const DRIVER_NAME = /^[a-z0-9]([-.a-z0-9]*[a-z0-9])?$/i;

/**
 * The routes of a driver, with the answers derived that its author did not give.
 * @throws Error for a bad driver name, a handler that no service has, or a capability implemented by half.
 */
export function driverRoutes(services: CsiServices, options: { clock: Clock; log: Logger }): Routes {
  checkIdentity(services);
  const once: Readonly<Partial<Record<CsiServiceName, object>>> = onceByName(services);
  const bindings: ServiceBinding[] = [];
  for (const name of CSI_SERVICE_NAMES) {
    const given = services[name];
    if (!given) continue;
    checkNames(name, CSI_SERVICES[name], given);
    bindings.push({
      service: CSI_SERVICES[name],
      handlers: { ...withDerived(name, services), ...once[name] },
    });
  }
  const stages = services.node?.nodeStageVolume !== undefined;
  const driver = declared(services);
  return createRoutes(bindings, {
    ...options,
    reject: (method, request) =>
      missingArgument(method.input, request, { stages }) ?? unsupportedArgument(request, driver),
  });
}

/** Handlers of the author before derived ones. Methods stay bound to the author's object: it may be a class. */
function withDerived(name: CsiServiceName, services: CsiServices): object {
  const given = services[name] as Readonly<Record<string, unknown>>;
  const derived = derivedHandlers(name, services) as Readonly<Record<string, unknown>>;
  const handlers: Record<string, unknown> = {};
  for (const { localName } of CSI_SERVICES[name].methods) {
    const own = given[localName];
    handlers[localName] = typeof own === 'function' ? own.bind(given) : derived[localName];
  }
  return handlers;
}

function derivedHandlers(name: CsiServiceName, services: CsiServices): object {
  switch (name) {
    case 'identity':
      return derivedIdentity(services);
    case 'controller':
      // Who answers for the capabilities himself may implement what he likes.
      return services.controller!.controllerGetCapabilities ? {} : derivedController(services.controller!);
    case 'node':
      return services.node!.nodeGetCapabilities ? {} : derivedNode(services.node!);
    case 'groupController': {
      const service = services.groupController!;
      return service.groupControllerGetCapabilities ? {} : derivedGroupController(service);
    }
    case 'snapshotMetadata':
      return {};
  }
}

function checkIdentity({ identity }: CsiServices): void {
  if (identity.name.length > MAX_DRIVER_NAME_LENGTH || !DRIVER_NAME.test(identity.name)) {
    throw new Error(
      `CSI driver name ${JSON.stringify(identity.name)}: must be at most ${MAX_DRIVER_NAME_LENGTH} letters, digits, ` +
        'dashes and dots, beginning and ending with a letter or digit',
    );
  }
  if (identity.vendorVersion === '') throw new Error(`CSI driver ${identity.name}: vendorVersion is empty`);
}

/** A misspelt handler would never be called, and nobody would know why. */
function checkNames(name: CsiServiceName, service: DescService, given: object): void {
  const known = new Set([...service.methods.map((method) => method.localName), ...OWN_FIELDS[name]]);
  for (const [key, value] of Object.entries(given)) {
    if (typeof value === 'function' && !known.has(key)) {
      throw new Error(`CSI ${name}: there is no method ${key}; it has ${[...known].join(', ')}`);
    }
  }
}
