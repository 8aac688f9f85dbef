# What a reader sees, in English. Each message is whole; a $name is filled in by the program, a
# whole number among them chooses the plural. {"\u00A0"} is a space that no line breaks at. Messages that
# the page shows as they are may hold <i>, <b> and <code>.

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

incident-region = the vendor's region
incident-edge = the vendor's edge
incident-isp = the operator
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

## Charts

# A number of viewers within another message.
chart-viewers = { $viewers ->
    [one] { $viewers } viewer
   *[other] { $viewers } viewers
}
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
chart-audience-peak = { chart-viewers } at the peak.
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
chart-ladder-about = Sales in { $unit } at { chart-viewers }; orange is lost, green gained.
chart-ladder-perfect = perfect night
chart-ladder-sold = is sold
chart-ladder-share = share
chart-ladder-by-chance = by chance only
chart-ladder-unbroken = none simulated

# Who stalls.
chart-groups-question = Who stalls?
chart-groups-about = Stalled, % of the viewing time of each group, at { chart-viewers }; under each group its share of those who came. The darker, the more: darkest at { $darkest } and above.
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
    [1] { chart-viewers } at the peak, one night.
   *[other] { chart-viewers } at the peak, mean of { $nights } nights.
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
chart-limits-about = Orange: seconds in which it turned somebody away, made them wait or held a picture back, at { chart-viewers }. Used at most: of a rate, what was asked in the busiest ten seconds over what it lets in.
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
    [cost_month_cny] By the month { $plan } is cheapest at { chart-viewers }.
    [cost_and_lost_margin_cny] By bill and lost margin { $plan } is cheapest at { chart-viewers }.
   *[cost_cny] By the bill of the night { $plan } is cheapest at { chart-viewers }.
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
