//! What to type where the API server says that the operator may not.

use crate::index::Scope;

/// The way out where a namespace took the operator's RoleBinding along: nobody can put it back there.
const EVERYWHERE: &str = "helm upgrade RELEASE CHART -n NAMESPACE --reuse-values --set rbac.clusterWide=true";

/// Who must grant what, for objects of `scope`.
pub fn remedy(scope: &Scope) -> String {
    let grant = format!(
        "grant the operator's ServiceAccount what the chart grants it, list and watch on senderaccounts.sender-operator.dev first, in {scope}"
    );
    match scope {
        Scope::Cluster => grant,
        Scope::Namespace(_) => {
            format!(
                "{grant}; where it is being deleted, its RoleBinding went first, and only this ends it: {EVERYWHERE}"
            )
        }
    }
}
