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
