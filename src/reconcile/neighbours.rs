//! The other objects of an account, asked one by one: what the watch showed of them may be old.

use super::Reconciler;
use crate::account::Account;
use crate::kube_io::ApiFault;

impl Reconciler {
    /// Which of these may have a DELETE outstanding, by the name of the last that has.
    pub(super) async fn unsettled_twin(&self, uids: &[String]) -> Option<String> {
        let mut unsettled = None;
        for uid in uids {
            let Some(known) = self.index.get(uid) else { continue };
            let name = format!(
                "{}/{}",
                known.metadata.namespace.as_deref().unwrap_or_default(),
                known.metadata.name.as_deref().unwrap_or_default()
            );
            match self.ask_twin(&known).await {
                Ok(Some(twin)) if twin.view.is_unsettled() || self.has_forgotten(&twin.view) => unsettled = Some(name),
                Ok(_) => {}
                // Not known to be settled is unsettled.
                Err(_) => unsettled = Some(name),
            }
        }
        unsettled
    }

    /// A live twin as a GET shows it now.
    pub(super) async fn twin(&self, uid: &str) -> Option<Account> {
        let known = self.index.get(uid)?;
        self.ask_twin(&known).await.ok().flatten()
    }

    async fn ask_twin(&self, known: &crate::crd::SenderAccount) -> Result<Option<Account>, ApiFault> {
        let (Some(namespace), Some(name)) = (&known.metadata.namespace, &known.metadata.name) else { return Ok(None) };
        match self.io.get(namespace, name).await {
            Ok(fresh) => {
                Ok(Some(fresh.into_account()).filter(|twin| Some(&twin.view.uid) == known.metadata.uid.as_ref()))
            }
            Err(ApiFault::NotFound) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}
