#!/usr/bin/env python3
"""Which tests hold each behaviour of docs/http-behaviour.md, and the behaviours that one probe cannot show.

  evidence.py [FOLDER OF THE TESTS] [PAGE]     checks that the tests exist and that the page has every number"""

import re
import sys
from pathlib import Path

HEAD = "RequestHead.follows_each_rule"
ANSWER = "ResponseHead.follows_each_rule"
CHUNKS = "Chunked.follows_each_rule_in_pieces_of_any_size"

TESTS = {
    1: [HEAD], 2: [HEAD], 3: [HEAD], 4: [HEAD], 5: [HEAD], 6: [HEAD], 7: [HEAD],
    8: ["Rules.Rule8AnotherHostIsMisdirected", "RequestHead.r08_takes_the_host_of_an_absolute_target", "RequestRules.r08_serves_the_hosts_of_its_list"],
    9: [HEAD], 10: [HEAD], 11: [HEAD], 12: [HEAD], 13: [HEAD], 14: ["Path.r14_r16_refuses_what_may_be_read_in_two_ways"],
    15: [HEAD], 16: ["Path.r14_r16_refuses_what_may_be_read_in_two_ways"], 17: [HEAD],
    18: ["Path.r18_r19_resolves_dot_segments", "RequestHead.r18_r24_has_a_canonical_path_and_the_query_as_it_came"],
    19: ["Path.r18_r19_resolves_dot_segments"], 20: ["Path.r20_r24_leaves_everything_else_alone"],
    21: ["Path.r20_r24_leaves_everything_else_alone", "Path.guards_the_canonical_segments_not_the_written_ones"],
    22: ["Path.r20_r24_leaves_everything_else_alone"], 23: ["Path.r20_r24_leaves_everything_else_alone"],
    24: ["RequestHead.r18_r24_has_a_canonical_path_and_the_query_as_it_came"],
    25: ["RouteTable.r25_finds_the_longest_prefix_on_segment_borders"], 26: ["name_test"], 27: [HEAD], 28: [HEAD], 29: [HEAD], 30: [HEAD],
    31: ["RequestHead.r31_does_not_hold_names_that_could_be_taken_for_others", "Advisory.CVE_2025_64484_NoNameCanBeTakenForAnother"],
    32: ["ToUpstream.r32_joins_cookies_and_keeps_ours_back"], 33: ["ToUpstream.r33_passes_other_fields_in_order_and_case"],
    34: [HEAD, ANSWER], 35: [HEAD], 36: [HEAD, "Advisory.GHSA_qppv_j76h_2rpx_LengthsArePlainDigits"],
    37: [HEAD, "Advisory.GHSA_753j_mpmx_qq6g_TwoCodingsAreRefused"], 38: [HEAD], 39: [CHUNKS],
    40: [CHUNKS, "Body.Rule40ChunksAreFramedAnewWithoutTheirExtensions"], 41: [CHUNKS, "Body.Rule41AMalformedChunkIsRefused"],
    42: ["Trailers.Rule42ThoseOfARequestEndHere", "Trailers.Rule42MalformedOnesAreRefused"],
    43: ["Body.Rule43WhatFollowsTheLastChunkIsTheNextRequest"],
    44: ["Rules.Rule44APipelineIsServedInOrderHoweverLong", "Rules.Rule44AnUnreadPipelineIsNotTakenIn"],
    45: ["Body.Rule45ABodyOnGetIsForwardedWithItsFraming"],
    46: ["ToUpstream.r46_removes_what_connection_names_but_nothing_that_protects", "Advisory.CVE_2025_48865_ConnectionTakesNothingOfOursAway"],
    47: ["ToUpstream.r47_drops_what_belongs_to_the_connection", "ToClient.r46_r47_drops_what_belongs_to_the_connection"],
    48: ["Rules.Rule48ALoopEnds", "RequestRules.r48_knows_a_request_that_was_here_before"],
    49: ["ResolveClient.r49_believes_trusted_peers_only", "ToUpstream.r49_believes_no_word_about_the_client"],
    50: ["Rules.Rule50OptionsWithoutAHopLeftIsOurs", "ToUpstream.r50_counts_the_hops_of_options"],
    51: ["ToClient.r51_adds_a_missing_date"],
    52: ["Body.Rule52TheUpstreamsContinueIsPassedOnce", "Body.Rule52AnUpstreamThatKeepsSilentIsSpokenForAfterASecond"],
    53: ["Body.Rule53EarlyHintsReachA11ClientAndNoOlderOne"],
    54: ["Body.Rule54And55AnAnswerBeforeTheBodysEndIsNotLost", "Body.Rule54TheRequestsBodyFlowsOnWhileTheAnswerDoes"],
    55: ["Body.Rule54And55AnAnswerBeforeTheBodysEndIsNotLost"], 56: ["Tunnel.Rule56A101NobodyAskedForIsRefused"],
    57: ["Body.Rule57HeadAndBodilessStatusesHaveNoBody"], 58: [ANSWER], 59: ["Body.Rule59AnAnswerUpToTheCloseBecomesChunked"],
    60: ["Fault.Rule60DeathInTheBodyIsNoEnd", "Fault.Rule60DeathBetweenChunksIsNoEnd"], 61: [ANSWER, "Fault.Rule61WhatIsNoHttpIsTheHubsToTell"],
    62: ["Body.Rule62AnEventIsPassedOnTheMomentItComes"], 63: ["Rules.Rule63RangesPassAsTheyAre"],
    64: ["ToClient.r64_lets_no_server_set_our_cookies", "ToClient.r64_keeps_cookies_on_the_host_that_set_them"],
    65: ["Rules.Rule65ALocationBehindUsNamesUs", "Location.r65_leaves_everything_else_alone"],
    66: ["Trailers.Rule66TheyReachAClientThatTakesThem", "Trailers.Rule66TheyReachNobodyElse"],
    67: ["Connection.Rule67AClientThatSaidItsLastByteGetsItsAnswer"],
    68: ["Pool.Rule68AGetIsRepeatedWhenAPooledConnectionDiesUnderIt", "Pool.Rule68APostIsNeverSentTwice"],
    69: ["Connection.Rule69OnlyVersion13OfWebSocketIsUpgraded", "Handshake.Rule69AWrongOneIsRefusedBeforeTheUpstreamHearsOfIt"],
    70: ["Tunnel.ASilentTunnelEndsByItsOwnLimit", "Handshake.Rule70SubprotocolAndExtensionsPassDownUntouched"],
    71: ["Tunnel.Rule71BytesInTheSamePacketsAsTheHandshakePass"],
    72: ["Tunnel.Rule72ARstOnOneSideIsOneOnTheOther", "Tunnel.Rule72AHalfCloseLeavesTheOtherDirectionOpen"],
    73: ["Tunnel.Rule73ATenMebibyteMessageComesBackWhole", "Body.Rule73ATooLongBodyIsRefusedBeforeItIsRead"],
    74: ["Client.Rule74OneThatDoesNotReadHoldsNoMoreThanItsShare"],
    75: [], 76: [], 77: [], 78: ["Tls.ARequestForAnotherNameThanTheHandshakesIs421", "Tls.SessionsAreResumedOnAnyThreadAndAfterAReload"],
    79: [HEAD], 80: ["Body.Rule59And80AnOldClientGetsItUpToTheClose", "ToClient.r80_tells_an_old_client_whether_it_may_stay"],
}

WITHOUT_PROBE = {
    25: ("`/user/al` is no beginning of `/user/alice`", "routes match whole segments"),
    26: ("spelling of usernames", "one rule for all spellings, before a route is made"),
    68: ("idle connections and safe repetition", "client 75 s (`proxy.idle_timeout`); an idempotent request without body is repeated once when a kept upstream connection turns out dead"),
    70: ("silent WebSockets", "24 h (`proxy.tunnel_timeout`); nothing is added to or taken from the frames"),
    71: ("bytes in the same packet as a 101", "passed on, both ways"),
    72: ("the end of a WebSocket", "half-closes and resets are passed on; close frames are frames"),
    73: ("large messages and bodies", "constant memory; beyond `proxy.max_body` 413 before the body is read"),
    74: ("a reader that does not read", "at most 256 KiB are held for it, then its peer waits"),
    75: ("HTTP/2 to HTTP/1.1", "pending: comes with HTTP/2"),
    76: ("HTTP/2 resets and floods", "pending: comes with HTTP/2"),
    77: ("WebSockets over HTTP/2", "pending: comes with HTTP/2"),
    78: ("TLS: name, protocol, tickets", "a request for another name than the handshake's is 421; only `http/1.1` is negotiated; no renegotiation; tickets are shared and rotate"),
}


def missing_tests(folder):
    text = "\n".join(path.read_text(errors="replace") for path in Path(folder).rglob("*") if path.suffix in (".cpp", ".py", ".txt"))
    for number, names in TESTS.items():
        for name in names:
            suite, _, case = name.partition(".")
            there = re.search(rf"TEST(_F)?\(\s*{suite},\s*{case}\)", text) if case else suite in text
            if not there:
                yield f"{number}: there is no test {name}"


def missing_numbers(page):
    text = Path(page).read_text()
    for number in range(1, 81):
        if f"\n| {number} |" not in text:
            yield f"{number} is not in the page"
        for name in TESTS[number]:
            if name not in text:
                yield f"{number}: the page does not name {name}; write it anew with run.py"


if __name__ == "__main__":
    wrong = [*missing_tests(sys.argv[1]), *missing_numbers(sys.argv[2])]
    print("\n".join(wrong) or "ok")
    sys.exit(1 if wrong else 0)
