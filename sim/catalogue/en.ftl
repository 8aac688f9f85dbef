# What a reader sees, in English. Each message is whole; a $name is filled in by the program, a whole number among them
# chooses the plural, and what is absent is 0. {"\u00A0"} is a space that no line breaks at. Where the English message holds
# <i>, <b> or <code>, those of other languages may.

# As Babel calls the way in which numbers and lists are written.
locale = en_GB

# Between two sentences.
sentence-space = {" "}

## Numbers

percent = { $percent }{"\u00A0"}%
number-below = below { $number }
number-below-short = < { $number }
seconds = { $seconds }{"\u00A0"}s
minutes = { $minutes }{"\u00A0"}min
cny = CNY{"\u00A0"}{ $amount }
cny-unit = CNY
cny-unit-of = { $size } CNY
between = { $low } to { $high }
unit-count = count
unit-h = h
unit-min = min
unit-GB = GB
unit-Mbps = Mbps
unit-Mbps-a-minute = Mbps a minute

## Vendors

vendor-archetype = { $vendor } (archetype)

## What may hold a viewer or an order back

limit-none = no limit
limit-own_link = their own internet
limit-sessions = concurrent sessions
limit-joins_per_s = joins a second
limit-egress_vendor = egress of the whole vendor
limit-egress_region = egress of a region
limit-egress_edge = egress of an edge
limit-egress_growth = growth of egress in a minute
limit-origin = its origin
limit-token_calls_per_s = token calls a second
limit-room_viewers = viewers in one room
limit-node_viewers = viewers its nodes take
limit-account_mbps = the account's bandwidth
limit-package = the package paid for
limit-transcodes = transcodes at once
limit-messages_per_s = messages a second in the room
limit-host_uplink = the host's own uplink
limit-outage = an outage
limit-own_joins_per_s = your own backend's joins a second
limit-own_orders_per_s = your own shop's orders a second

## What an incident breaks

incident-region = the vendor's region { $where }
incident-edge = the vendor's edge { $where }
incident-isp = the operator { $where }
incident-host_uplink = the host's uplink

## What happened to a viewer whose order was lost

happened-refused = refused at the door
happened-gave_up_waiting = gave up waiting to get in
happened-left_starting = left before the first picture
happened-left_stalled = left a frozen picture
happened-cut_off = cut off
happened-watched_less = watched less
happened-not_yet_in = not in yet
happened-frozen = frozen at that moment
happened-seen_worse = saw a worse picture
happened-unanswered = got no answer from the host
happened-not_taken = found the shop too busy
happened-show_over = saw the show end first

## Rungs of the ladder of worlds

rung-links = viewers' own internet
rung-vendor = vendor's picture and delay
rung-limits = vendor's limits
rung-incidents = incidents

## The answer

without = { $what } (without { $missing })
vendor-share = { $vendor } { $share }
semicolon = {"; "}

answer-costs = { $others ->
        [0] { $vendor } costs you { $total } in lost margin and bill together
       *[other] { $vendor } costs you least: { $total } in lost margin and bill together
    }{ $interval ->
        [0] :
       *[other] {" "}(95{"\u00A0"}% interval { $interval }):
    } { $gains ->
        [yes] { $share } more sold than on a perfect night
       *[no] { $share } of a perfect night's sales lost
    }, a bill of { $bill }.
answer-due = { $amount } a month are due with or without this night.
answer-cheaper-list = Vendors are ranked by the first price list of each; under another one { $plan } would cost less: { $amount }.
answer-archetype = { $vendor } is an archetype, not a vendor you can buy from.
answer-buyable = Of those you can, { $vendor } costs least: { $amount }, { $share } of sales lost.
answer-others = { $n ->
        [one] Sales lost with the other: { $each }.
       *[other] Sales lost with the others: { $each }.
    }
answer-one-night = One night: how far another would differ is not known from one.
answer-not-apart = { $nights } nights do not tell { $vendor } apart from { $others }.
answer-own-shop = Of the sales lost with { $vendor } { $amount }{ $interval ->
        [0] {" "}
       *[other] {" "}({ $interval }){" "}
    }is your own shop's, which takes too few orders a second: buying more from a vendor won't help.
answer-inputs-lose = With the assumed numbers anywhere in their ranges { $vendor } loses { $range } of sales.
answer-inputs-gain = With the assumed numbers anywhere in their ranges { $vendor } sells { $range } more than a perfect night does.
answer-inputs-both = With the assumed numbers anywhere in their ranges { $vendor } goes from a gain of { $gain } to a loss of { $loss } of sales.
answer-first-in-all = It comes first in each of { $draws } draws.
answer-first-in-some = In some of { $draws } draws others come before it: { $others }.
answer-in-draws = { $vendor } (in { $draws })
answer-never-in-hd = Never in HD: { $vendors }.
answer-hd-loses = { $vendor } (its picture and delay alone lose { $share } of sales)
answer-own-limits-for-some = Your own shop's limits are set for { $some }, not for { $others }: their sales don't compare.
answer-own-limits-differ = Your own shop's limits are not the same with every vendor: their sales don't compare.
answer-may-strike = The incident { $incident } is on none of these nights, only in the revenue at risk.
answer-incident-costs = With { $vendor } it costs { $mean } a night on the mean, { $then } when it happens.
answer-saves-nothing = Against { $reference }, { $vendor } saves nothing: its bill is { $more } higher.
answer-saves-for-free = Against { $reference }, { $vendor } saves { $saved } of the fee and loses no more sales.
answer-saves = Against { $reference }, { $vendor } saves { $saved } of the fee and loses { $lost } more in sales: { $times } times what it saves{ $interval ->
        [0] { $inputs ->
            [0] {""}
           *[other] {" "}(inputs { $inputs })
        }
       *[other] { $inputs ->
            [0] {" "}(95{"\u00A0"}% { $interval })
           *[other] {" "}(95{"\u00A0"}% { $interval }; inputs { $inputs })
        }
    }, and { $margin } times in margin.
answer-none = Sales and bill were not counted: the figures below are all this run can say.
answer-intervals = <i>Nights</i>: the 95 % interval of a mean, by how much nights differ by chance. { $nights } nights can miss something that happens on up to { $unseen } of 100 nights.
answer-twenty-nights = 20 nights (<code>replications=20</code>) can miss what happens on up to { $unseen }.
answer-no-interval = One night: no interval over nights.
answer-inputs = { $draws ->
        [0] What the assumed numbers may be off by is not in any interval here.
       *[other] <i>Inputs</i>: how far a figure moves when all numbers that are not certain are drawn together from their ranges, { $draws } times.
    }

## Limits and incidents

comma = {", "}
with-unit = { $number }{"\u00A0"}{ $unit }
limit-begins = between { $free } and { $since } viewers
limit-begins-below = { $since ->
        [one] at { $since } viewer
       *[other] at { $since } viewers or fewer
    }
incident-with-chance = { $vendors ->
        [0] { $name } ({ $chance } a night)
       *[other] { $name } ({ $vendors }, { $chance } a night)
    }

## What to tell the vendor

request-title = What to tell the vendor
request = Ask { $vendor } for { $wanted }.
request-like = Ask a vendor like { $vendor } for { $wanted }.
request-peak_concurrency = { $number } viewers at once
request-joins_per_s = { $number } joins a second
request-egress_gbps = { $number } Gbps
request-token_calls_per_s = { $number } token calls a second
request-minutes = { $number } viewer minutes
request-egress_gb = { $number } GB
request-calm = { $number } ({ $calm } without incidents)
request-part = { $part }: { $what }
request-parts = { $vendor }: what to ask of each part
request-note = Bold is the <b>P95</b>: 19 of 20 such nights need no more. <b>P50</b>: half of them need no more. Ask for the P95; less may do where the vendor can raise a limit within minutes during the show, or where you would pay for what stands unused. Plan the bill with the P50. The two differ because the peak itself is uncertain: half the nights have more than { $peak ->
        [one] { $peak } viewer
       *[other] { $peak } viewers
    }, one in twenty more than { $one_in_20 }. The numbers are what the night demands with no limit in the way, rounded up, minutes and GB over all of it, joins and token calls in its busiest second (<i>over ten seconds</i>: a second of the busiest ten); a <i>limit</i> beside one is the vendor's own and too low for the P95.
request-note-incidents = The incidents are covered, also those that come only by chance: viewers who are cut off come back by the app's own schedule; <i>without incidents</i>: the P95 of a night on which nothing breaks.
request-note-beyond = * Beyond the audiences that were simulated: carried on in a straight line.
request-none = This run did not work out the numbers to ask for; <code>study=night</code> does.
ask-peak_concurrency = viewers at once
ask-joins_per_s = joins a second
ask-egress_gbps = Gbps
ask-token_calls_per_s = token calls a second
ask-minutes = viewer minutes
ask-egress_gb = GB
ask-over-ten-seconds = over ten seconds { $number }
ask-without-incidents = without incidents { $number }
ask-limit = limit { $number }
ask-p50 = P50 { $number }
col-vendor = vendor
col-part = part

## What the night could not do as its script says

warning-left-out = { $key } { $at } is after the show, which ends at { $ends } s: left out.
warning-rows-late = { $rows ->
    [one] A viewer of audience.file (line { $line }) comes
   *[other] { $rows } viewers of audience.file (the first on line { $line }) come
} after the show, which ends at { $ends } s: left out.
warning-rows-stay = The viewers of audience.file come and leave as the file says: promotion.mass_exit and drops.extra_arrivals move none of them.
warning-rows-own = Only at { $own } viewers, its own peak, is the night that of audience.file, each row one viewer.
warning-rows-part = Smaller nights take an even part of the rows: at { $peak } viewers { $share } of them.
warning-rows-again = Larger nights repeat rows: at { $peak } viewers each stands for { $each } on average, and a copy comes at another moment of the same { $step } s.
warning-misfit = { $cohort ->
        [0] The room can't follow its curve:
       *[other] Cohort '{ $cohort }' can't follow its curve:
    } { $more ->
        [yes] { $hours } more viewer-hours,
       *[no] { $hours } fewer viewer-hours,
    } and at { $at } s { $offered } viewers where it has { $asked }{ $off ->
        [none] .
        [many] {" "}({ $share } too many).
       *[few] {" "}({ $share } too few).
    }
warning-falls = It falls faster than people leave by themselves: { $argument } lets them leave together.
warning-bends = It bends within the { $grid } s in which joins are even: { $argument } makes these shorter.
warning-may-leave = promotion.mass_exit lets people leave together.
warning-mends-part = That mends a part of it; shorter stays (audience.stay) do more.
warning-mends-untried = That is reckoned, not tried.

## Tables: cells and headings

cell-nights = nights { $range }
cell-inputs = inputs { $range }
cell-no-inputs = inputs –
cell-cny = CNY{"\u00A0"}{ $amount }
cell-month = month { $amount }
cell-gross = gross { $amount }
cell-fixed = fixed { $amount } a month
cell-unbilled = + { $what }
cell-never-in-hd = never in HD
cell-lost = { $share } lost
cell-granted-bill = { $missing ->
        [0] bill { $amount }
       *[other] bill { $amount } + { $missing }
    }
cell-granted-both = { $missing ->
        [0] both { $amount }
       *[other] both { $amount } + { $missing }
    }
cell-no-limit = none
cell-limit-begins = begins between { $free } and { $since } viewers
cell-limit-begins-below = { $since ->
        [one] begins at { $since } viewer
       *[other] begins at { $since } viewers or fewer
    }
cell-costliest = { $same ->
        [yes] { $whole ->
            [0] most costly too: { $amount }
           *[other] most costly too: { $amount } of { $whole }
        }
       *[no] { $whole ->
            [0] most costly: { $limit }, { $amount }
           *[other] most costly: { $limit }, { $amount } of { $whole }
        }
    }
col-watched = watched
col-stalled = stalled
col-sales-lost = sales lost
col-bill = bill of the night, CNY
col-bill-and-margin = bill and lost margin, CNY
col-first-limit = first limit reached
col-granted = if granted what you ask
col-hd = play in HD
col-bitrate = mean bitrate, Mbps
col-never-in = never got in
col-worst-5min = stalled, worst 5 min
col-startup-p50 = first picture, half within
col-startup-p95 = first picture, 19 of 20 within
col-latency-p50 = behind the host, half
col-latency-p95 = behind the host, 19 of 20 within
col-per-viewer-hour = bill per viewer hour, CNY
col-limit = limit
col-configured = stands at
col-begins = begins to hold back
col-lasted = time that night
col-lost-cny = sales lost, CNY
col-with = with
col-happened = what happened to the viewers
col-by = by
col-over-nights = 95 % over nights
col-line = line
col-quantity = quantity

## The vendors side by side

vendors-title = The vendors side by side
vendors-note = <i>Watched</i>: time played, of that on a perfect night; viewers who are refused or leave count. <i>Stalled</i>: time frozen, of the time frozen and played. <i>Lost sales</i>: what a perfect night sells less what this one sells. <i>Bill of the night</i>: what the night adds to the month's bill; <i>fixed</i>: what a month without any show costs too, which is in no bill of a night.
vendors-note-kept = <i>Bill and lost margin</i>: the bill of the night and what you would have earned on the sales lost, net of { $returned } returns and of { $later } bought later all the same, at a margin of { $margin }; <i>gross</i>: the bill and all of the sales lost.
vendors-note-order = The order is by bill and lost margin at the vendors' present limits.
vendors-note-lists = It is under the first price list of each; its others stand under Price lists.
vendors-note-missing = <i>+ { $missing }</i>: not in that bill, nor in anything made of it: add your staff's cost before comparing.
vendors-note-granted = <i>If granted what you ask</i>: sales lost and the bill at list price were none of the limits in the way, for a vendor that reached one; a raised limit may cost more than the list price.
vendors-note-granted-incidents = <i>If granted what you ask</i>: sales lost and the bill at list price were none of the limits in the way, with the incidents of the night, for a vendor that reached one; a raised limit may cost more than the list price.
vendors-more = More figures of the night
vendors-note-month-alone = <i>Month</i>: this night alone.
vendors-note-month = <i>Month</i>: { $nights ->
        [one] one ordinary night
       *[other] { $nights } ordinary nights
    } at { $share } of this night's use{ $promotions ->
        [0] {""}
        [one] , 1 more promotion
       *[other] , { $promotions } more promotions
    }, and this night; ordinary nights are billed as if no limit held them.
limits-title = Every limit reached, and for how long
limits-note = Sales lost are told by what held the viewer back when the order was lost, over all rungs of the ladder. The chart of the ladder tells them by rung: an order that a viewer's own link costs with this vendor's picture and delay, and not with the best ones, is on the vendor's rung there.
limit-together = together
limits-cost-title = What the limits cost: what happened to the viewer, and the limit that bound them
limits-cost-title-incidents = What the limits and the incidents cost: what happened to the viewer, and the limit that bound them
limits-cost-limits = its limits
limits-cost-incidents = incidents
limits-cost-others = { $n ->
        [one] { $n } other
       *[other] { $n } others
    }
limits-cost-note = Each night is compared with itself without the limits: the same viewers, the same orders. Below 0: sold only because of them.
limits-cost-note-incidents = Each night is compared with itself without the limits, and with them without the incidents: the same viewers, the same orders. Below 0: sold only because of them.
bills-title = The bills, line by line
bills-none = No invoice was made.
bill-under = The same night under { $tariff }: CNY { $amount }
bill-whole = the bill
bill-total = total
bill-fixed = a month, with or without the night
bill-line = { $line }, { $period }
bill-beside = { $tariff }: { $line }
bill-quantity = { $number } { $unit }
bill-quantity-of-month = { $number } { $unit }, in the month without the night too
bill-fall = { $line }: { $quantity } { $unit } cost { $after } { $currency }, a little less costs { $before }.
bill-falls-note = That is how it is sold: the whole quantity pays the price of the tier it reaches.

## Just barely enough

thin-title = Just barely enough: { $vendor }
thin-story = The trade tells of a plan bought for an ordinary night that loses almost half of a big night and is fine on a quarter of it.
thin-loses = Here { $vendor } loses { $share } of its sales{ $interval ->
        [0] {" "}
       *[other] {" "}({ $interval }){" "}
    }at { $peak } viewers{ $quarter ->
        [0] .
       *[other] {" "}and { $less } at { $quarter }.
    }
thin-is-more = That is more than the trade's 'almost half'.
thin-is-less = That is less than the trade's 'almost half'.
thin-is-about = That is about the trade's 'almost half'.
thin-identity = Of the watching, { $lost } is lost. Were the room at its peak all the time, 1 − C/(R × viewers) = { $arithmetic } would be lost by arithmetic alone.
thin-numbers = C = { $bought }{"\u00A0"}Mbps is bought, R = { $each }{"\u00A0"}Mbps is a viewer's.
thin-collapse = The other { $points } points are collapse: resent and lost packets, frozen pictures, people who leave.
thin-no-collapse = The night loses { $points } points less, as the room is not at its peak all the time.
thin-widest = Of its assumed numbers { $number } matters most: from its low to its high end sales lost go from { $range } ({ $base } at its value, on the same small nights).
thin-ranges-not-asked = How far each assumed number moves this: python -m sim experiment=just_enough.
thin-ranges = Each assumed number alone, from the low to the high end of its range
thin-lost-at = sales lost at { $peak }
col-number = number
col-range = range

## Revenue at risk

risk-title = Revenue at risk
risk-about-certain = { $incidents ->
        [yes] Sales that the vendor's limits and incidents may cost, in CNY, at { $peak } viewers, a peak that is taken for certain.
       *[no] Sales that the vendor's limits may cost, in CNY, at { $peak } viewers, a peak that is taken for certain.
    }
risk-about-one-peak = { $incidents ->
        [yes] Sales that the vendor's limits and incidents may cost, in CNY, at { $peak } viewers.
       *[no] Sales that the vendor's limits may cost, in CNY, at { $peak } viewers.
    } This study has one peak, so that the night may have more is not in it; <code>study=night</code> has a curve and lays the peak's distribution over it.
risk-about-distribution = { $incidents ->
        [yes] Sales that the vendor's limits and incidents may cost, in CNY, over all the peaks the night may have
       *[no] Sales that the vendor's limits may cost, in CNY, over all the peaks the night may have
    }: half the nights have more than { $peak ->
        [one] { $peak } viewer
       *[other] { $peak } viewers
    }, one in twenty more than { $one_in_20 }.
risk-about-chances = Incidents come with their chance: { $incidents }. Beside this they are in what to ask the vendor for, and on no other figure of this page.
risk-note = <i>P95</i>: 19 of 20 nights lose less. <i>Caused by the vendor</i>: its limits, incidents of its edges and regions, and what its picture and delay cost with no limit in the way; below 0: its player freezes less than the plain one by which the viewers' own internet is measured, and gains more than its limits take.
risk-note-outside = What an isp or the host's uplink breaks is not in it.
risk-note-own = Your own shop's and backend's limits count among the limits.
risk-note-inputs = <i>Inputs –</i>: none of the { $draws } draws of the uncertain numbers moved it.
risk-note-above = Of all nights { $above } have a peak above those simulated: there losses go on in a straight line, at most to all sales.
risk-note-below = Of all nights { $below } have a peak below those simulated: there losses fall in proportion.
risk-note-file = <code>risk.csv</code> holds every percentile.
col-mean = mean
col-p50 = P50
col-p95 = P95
col-worst-5 = mean of the worst 5 in 100
col-by-vendor = caused by the vendor, mean

## Charts on the page

charts-title = Charts
charts-no-ladder = The ladder of worlds was not run: where the sales are lost is not known.
chart-missing = The chart <code>{ $name }</code> is missing, it could not be drawn: { $reason }. Its figures are in the tables.

## Price lists on the page

prices-title = Price lists
prices-all-crossings = All { $n } of them
prices-one-audience = One audience was simulated: at how many viewers plans cross is not known; <code>study=night</code> and <code>study=curve</code> tell.
prices-every-plan = { $peak ->
        [one] Every plan at { $peak } viewer
       *[other] Every plan at { $peak } viewers
    }
prices-note = <i>Ten times the business</i>: the month with ten times the use on every night, at list price and with no limit in the way, over the month as it is. <code>costs.csv</code> holds each plan at every audience, <code>crossings.csv</code> where any two cross.
cell-times = { $number } times
col-month = month, CNY
col-each-viewer-hour = a viewer hour, CNY
col-each-order = an order, CNY
col-tenfold = ten times the business costs

## What is assumed

assumed-title = What is assumed
assumed-counts = This answer rests on { $assumed } assumed and { $claimed } claimed numbers, beside { $published } published and { $measured } measured ones. <i>Claimed</i>: the vendor says so, nobody tested it. <i>Assumed</i>: by us, or given by you.
assumed-not-asked = Which of them matters most was not asked here: <code>study.ranges=all</code> moves each one alone.
assumed-group = { $name }: { $unsure } claimed or assumed numbers of { $total }
assumed-given = given by the user
assumed-shared = Audience and shop
assumed-note = The shape of the audience and the viewers' own internet are models too; their numbers and sources stand in <code>config.yaml</code> beside this page and in the files of <code>conf/</code>.
confidence-published = published
confidence-measured = measured
confidence-claimed = claimed
confidence-assumed = assumed
col-numbers-of = numbers of
col-value = value
col-is = is
col-effect = sales lost over the range; { $base } at the values, in the same small night
col-source = source

## How it was run

how-title = How it was run
how-promotion = promotion
how-starts = { $name }, starts { $at }
how-audience = audience
how-network = viewers' internet
how-shop = shop
how-incidents = incidents
how-no-incidents = none simulated
how-incident = { $name } ({ $vendors ->
        [0] {""}
       *[other] { $vendors },{" "}
    }{ $what }, minute { $minute }, { $lasts }{ $chance ->
        [0] )
       *[other] , chance { $chance })
    }
how-study = study
how-peaks = viewers at the peak
how-reached = reached on a perfect night
how-nights = nights each
how-seed = seed
how-simulated = viewers simulated
how-sample = { $sample ->
        [0] all at { $peak }
       *[other] a sample of { $sample } at { $peak }
    }{ $away ->
        [0] {""}
       *[other] , a sample of { $away } away from the peak
    }
how-engine = engine
how-engine-is = { $kind }, epoch { $epoch }
how-versions = versions
how-command = command
how-invariants-checked = Invariants: recomputed for this run by separate code from its rows and records
how-invariants = Invariants: held by the project's tests; <code>engine.check=true</code> recomputes them for a run
invariant-1 = All who arrived are waiting, starting, playing, frozen or gone for a stated reason, always.
invariant-2 = No node delivers more than its capacity, over any two epochs.
invariant-3 = Each viewer's media: downloaded = played + buffered + discarded.
invariant-4 = The same seed gives the same bytes.
invariant-5 = The rungs of the ladder add up to what is lost.
invariant-6 = An invoice is the sum of its lines, and a meter the sum of what was used.
invariant-7 = Demand of one and a half times a capacity shows harm.
invariant-8 = Measuring changes nothing.
invariant-9 = The clock never goes back.
invariant-10 = Every number in a vendor profile has a source and a confidence.
invariant-11 = An audience at a lower peak, and a sample, is a subset of the whole one.

## The page

page-title = { $peak ->
        [one] { $promotion }, { $peak } viewer
       *[other] { $promotion }, { $peak } viewers
    }
page-browser-title = Peakcast: { $title }
page-subtitle = { $date }, { $time } · audience { $audience } · viewers' internet { $network }{ $n ->
        [0] {""}
        [one] {" "}· with { $n } incident: { $incidents }
       *[other] {" "}· with { $n } incidents: { $incidents }
    }

## The terminal

terminal-viewers = { $peak ->
        [one] { $peak } viewer
       *[other] { $peak } viewers
    }
terminal-bill = bill, CNY
terminal-first-limit = first limit
terminal-without = * without { $what }

## Charts

# What stands beside the end of a line: a bill, and what it leaves out.
chart-amount-and-more = { $amount } + { $more }

# What is drawn around a figure.
chart-bands-shaded = Shaded: 95 % interval over nights.
chart-bands-lines = Solid lines: 95 % interval over nights.
chart-bands-steps = Thin lines: 95 % interval of a step over nights.
chart-bands-none = One night: no interval.
chart-bands-inputs = Pale bars: the range of the assumed numbers.
chart-bands-inputs-there = Pale bars: the range of the assumed numbers there.

# Charts against the audience; $peaks: how many audiences were simulated.
chart-audience-axis = viewers at the peak, if nothing went wrong
chart-audience-night = the night
chart-audience-peak = { $viewers ->
    [one] { $viewers } viewer
   *[other] { $viewers } viewers
} at the peak.
chart-audience-beside = Beside each name: at { $viewers }.
chart-audience-log = The axis is logarithmic above { $foot }, straight below.
chart-stall-question = { $peaks ->
    [1] How much of the viewing stalls?
   *[other] How much of the viewing stalls, as the audience grows?
}
chart-stall-about = Time frozen over time frozen and played; viewers who never got in are not in it.
chart-stall-axis = stalled, % of viewing time
chart-lost-question = { $peaks ->
    [1] How much of the sales is lost?
   *[other] How much of the sales is lost, as the audience grows?
}
chart-lost-about = Against a night on which every picture plays for everybody.
chart-lost-axis = sales lost, % of a perfect night
chart-cost-question = { $peaks ->
    [1] What is the bill for the night?
   *[other] What is the bill for the night, as the audience grows?
}
chart-cost-about = What the night adds to the month; viewers who never got in cost nothing.
chart-cost-axis = bill, { $unit }
chart-together-question = { $peaks ->
    [1] What do bill and lost margin come to?
   *[other] What do bill and lost margin come to, as the audience grows?
}
chart-together-about = The bill of the night, and what would have been earned on the sales lost.
chart-together-axis = bill and lost margin, { $unit }
chart-left-out = *: { $unbilled }.
chart-left-out-of = *: { $vendor } { $unbilled }.
chart-rings = Rings: from about so many viewers on another plan is the cheapest.
chart-rings-none = The same plan is cheapest throughout.

# What limits and incidents may cost.
chart-risk-question = How much may limits and incidents cost?
chart-risk-about = Over all peaks and incidents the night may bring, the worst nights on the right.
chart-risk-beside = Beside each name: 1 night in 100.
chart-risk-chance = chance that a night loses more
chart-risk-axis = sales lost, { $unit }

# Where the sales of a perfect night go.
chart-ladder-question = Where do the sales of a perfect night go?
chart-ladder-about = Sales in { $unit } at { $viewers ->
    [one] { $viewers } viewer
   *[other] { $viewers } viewers
}; orange is lost, green gained.
chart-ladder-perfect = perfect night
chart-ladder-sold = is sold
chart-ladder-share = share
chart-ladder-by-chance = by chance only
chart-ladder-unbroken = none simulated

# Who stalls.
chart-groups-question = Who stalls?
chart-groups-about = Stalled, % of the viewing time of each group, at { $viewers ->
    [one] { $viewers } viewer
   *[other] { $viewers } viewers
}; under each group its share of the viewers who came. The darker, the more: darkest at { $darkest } and above.
chart-groups-class = by own internet
chart-groups-region = by their own region
chart-groups-isp = by operator
chart-groups-cohort = by cohort
# Kinds of access, as people call them.
chart-access-home = home
chart-access-lte = 4G
chart-access-hsdpa = 3G

# The night over time.
chart-minutes = minutes from the start at { $time }
chart-night-question = Where are the viewers through the night?
chart-night-about = { $nights ->
    [1] { $viewers ->
        [one] { $viewers } viewer
       *[other] { $viewers } viewers
    } at the peak, one night.
   *[other] { $viewers ->
        [one] { $viewers } viewer
       *[other] { $viewers } viewers
    } at the peak, mean of { $nights } nights.
}
chart-night-missing = Viewers missing under the dashed line have left or were turned away.
chart-night-incident = Hatched: an incident.
chart-night-axis = viewers
chart-night-playing = playing
chart-night-stalled = stalled
chart-night-getting-in = getting in
chart-night-offered = would be there on a perfect night
chart-night-exit = mass exit
chart-night-exit-of = mass exit of { $cohort }

# Which limit binds.
chart-limits-question = Which limit binds, and when?
chart-limits-about = Orange: seconds in which it turned somebody away, made them wait or held a picture back, at { $viewers ->
    [one] { $viewers } viewer
   *[other] { $viewers } viewers
}. Used at most: of a rate, what was asked in the busiest ten seconds over what it lets in.
chart-limits-came = Viewers harmed: of { $came } who came.
chart-limits-used = used at most
chart-limits-harmed = viewers harmed
chart-limits-lost = sales lost, CNY

## Price lists

plan-list = { $vendor }: { $list }
plan-unbilled = { $plan } (+{"\u00A0"}{ $unbilled })
# $by: the figure that plans are compared by.
plan-cheapest = { $by ->
    [cost_month_cny] By the month { $plan } is cheapest.
    [cost_and_lost_margin_cny] By bill and lost margin { $plan } is cheapest.
   *[cost_cny] By the bill of the night { $plan } is cheapest.
}
plan-cheapest-at = { $by ->
    [cost_month_cny] By the month { $plan } is cheapest at { $viewers ->
        [one] { $viewers } viewer
       *[other] { $viewers } viewers
    }.
    [cost_and_lost_margin_cny] By bill and lost margin { $plan } is cheapest at { $viewers ->
        [one] { $viewers } viewer
       *[other] { $viewers } viewers
    }.
   *[cost_cny] By the bill of the night { $plan } is cheapest at { $viewers ->
        [one] { $viewers } viewer
       *[other] { $viewers } viewers
    }.
}
# $simulated: whether this audience was simulated, or lies between two that were.
plan-cheapest-from = { $simulated ->
    [yes] From the simulated { $at } viewers on it is { $plan }.
   *[no] From about { $at } viewers (between the simulated { $low } and { $high }) on it is { $plan }.
}
plan-crossings = { $crossings ->
    [0] No two plans cross between { $low } and { $high } viewers.
    [1] Two plans cross once between { $low } and { $high } viewers:
   *[other] Two plans cross { $crossings } times between { $low } and { $high } viewers:
}
plan-crossing = { $simulated ->
    [yes] at the simulated { $at } viewers { $above } becomes cheaper than { $below }
   *[no] at about { $at } viewers (between the simulated { $low } and { $high }) { $above } becomes cheaper than { $below }
}
