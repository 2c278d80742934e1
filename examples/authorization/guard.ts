// Who may call what, procedure by procedure.
import { allowList, type Handlers, type Imperium, nodeId, nodeType, type Provision } from '@flaminia/domus/services';
import { Accounts } from './accounts.ts';

export function offerAccounts(imperium: Imperium, handlers: Handlers<typeof Accounts>): Promise<Provision> {
  return imperium.provide(Accounts, handlers, {
    verifier: allowList(Accounts, {
      balance: [nodeType('gateway')],
      '*': [nodeId('admin-1')],
    }),
  });
}
