// How far messages have come, as `receipts` and /receipts show it.
#pragma once

#include "tools/cli/command_session.h"

namespace godwit::v1 {
class ReceiptCount;
}

namespace godwit::cli {

// Of a direct chat, as this device knows.
void show_direct_receipts(CommandSession& session, const Conversation& with);

// Asks how far each member of a group has got, and shows who has what of the message at `chat_seq` (0: the
// last). Throws CommandError.
void show_group_receipts(CommandSession& session, const Conversation& group, std::uint64_t chat_seq);

// One count that was pushed: "delivered to 7 of 9, read by 3".
void show_receipt_count(Output& out, const Conversation& group, const v1::ReceiptCount& count);

}  // namespace godwit::cli
