#pragma once
#include "profiler/session/batch.h"

#include <string_view>

namespace moescope::test {

/// Turns a little story into events, so that a test reads as what happened. Statements are separated by ';' or line ends:
///
///     at 40                      the clock, in microseconds; every event moves it on by one
///     prompt "Hi" 3              PromptBegan of the next turn that reads 3 tokens
///     prompted 17 " Hi"          TokenPrompted: id and text; takes the next token index
///     token 5                    what follows is read for token 5
///     prefill / decode           the phase of what follows (decode at first)
///     L2                         what follows is of layer 2; may stand before any statement: L2 hit 5
///     picks 3,5 [keeps 1] [weights 0.6,0.4]   ExpertsChosen, best first; the gate gives each of them its weight
///     hit 5, miss 3, miss 3 in flight
///     evict 2 [for 3] [by demand|prefetch|budget]
///     prefetch 3 as 7 / used 3 as 7 / wasted 3 as 7      7 is the transfer; L before it names the target's layer
///     copy 3 as 7 100..250 [demand|prefetch|allocation] [queued 90] [bytes 4096] [cancelled] [emulated]
///     stall 3 as 7 100..250
///     step|embed|attention|router|experts|output|sample 100..200 [tokens 4]
///     emit 99 " once" [p -0.5]   TokenEmitted: takes the next token index
///     end [stop|limit|full|requested|failed]
///     setting gate topk adapmoe / slots 12 / note "text" / fail "text" / lost 4
///
/// Layer 0, token 0 and 8 experts per layer unless said otherwise (`experts 16`). Throws std::invalid_argument naming the
/// statement that it does not understand. seq counts from `firstSeq`.
session::Batch eventScript(std::string_view script, std::int64_t firstSeq = 1);

} // namespace moescope::test
