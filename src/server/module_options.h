// What each module is told, taken from the configuration. The one place where both are known.
#pragma once

#include "account/code_sender.h"
#include "auth/oidc_verifier.h"
#include "auth/token_issuer.h"
#include "config/config.h"
#include "journal/local_journal.h"
#include "net/options.h"
#include "push/wake_up_sender.h"
#include "router/checkpointer.h"
#include "router/shard.h"
#include "session/options.h"
#include "storage/store.h"

namespace godwit {

unsigned worker_count(const Config& config);
StoreOptions store_options(const Config& config);
LocalJournalOptions journal_options(const Config& config);
CheckpointOptions checkpoint_options(const Config& config);
ShardOptions shard_options(const Config& config);
SessionOptions session_options(const Config& config);
auth::TokenIssuer::Options issuer_options(const Config& config);
auth::OidcVerifier::Options oidc_options(const Config& config);
CodeSender::Options code_sender_options(const Config& config);
CallOptions call_options(const Config& config);
WakeUpSender::Options wake_up_options(const Config& config);
net::Options client_port_options(const Config& config);
net::Options admin_port_options(const Config& config);

}  // namespace godwit
