"""Made-up instances, calibrated on published figures.

Of giving: `toy`, `county`, `liaocheng_2017`, `province`. Of care, on the same land: `toy_care`, `county_care`,
`liaocheng_2017_care`, and their review three months later, `next_quarter`.

**From the source** (a newspaper page of June 2017 on Liaocheng, and public statistics): 7,622 needs and 37,000 pieces
(Linqing's platform); 557 villages in 100 townships in 11 counties; the city's latitudes and longitudes; a county's
1,300 needs (Dongchangfu's platform); a province's 54,287 villages and 1 M needs; the 16 wants; households of
1 + Poisson(0.9) people, at most 7; poor households a village with a Gamma tail of shape 1.2; lognormal lots at hubs,
median 60; 45 % of what is offered is clothing; quantities of 1e14 by a slip of the finger. Of care: 3,931 clients and
1,138 caregivers of up to five persons, in the same 557 villages; a county pilot's 500 clients; severity 66 % mild, 14 %
moderate, 20 % severe; cooking, cleaning, accompanying and talking; 5–8 % of the clients change in a quarter.

**Assumptions of giving**: category shares A .10, B .20, C .30, D .40; every other share of what is needed and offered;
units and quantities; 1.6 needs a household, at most three; 3,000 lots in the city and 700,000 in the province; 4.85
pieces a need, as in the city, elsewhere; two thirds of the pieces at one hub a county; donors, earmarks and dates; a
county's 9 townships and 50 villages; the province's box, 17 × 8 counties, 1,822 townships and 24 further wants, rice
being 15 % of its needs; every radius; the shares of dirt.

**Assumptions of care**: the same category shares; at least one client and one caregiver in every village, further ones
with the tail of poor households and another by township (Gamma, shape 3), drawn for clients and caregivers apart;
1.1 clients a household, at most two; hours a week, genders, services, languages; one woman in ten asks for a woman; 3 %
of the clients need two caregivers; caregivers of up to three (15 %), four (25 %) or five persons (60 %), which is room
for a quarter more than ask, in other places; 60 % of caregivers from poor households; dates; a county's 120 caregivers;
the radius. In a quarter 7 % of the clients leave, as many join, and 5 of 1,138 caregivers leave.

**Synthetic throughout**: no person, place or lot is real. Area codes have the form of real ones (2 digits province, 2
city, 2 county, 3 township, 3 village) and are made up: 371502 here is not the county that bears this code.

The same arguments give the same bytes under one version of NumPy, which may change its streams in another. Every part
has a stream of its own, so that a part added later changes no other.

``dirt=True`` appends bad rows to the same clean ones: `DIRT_SHARE` of the table's rows, at least one, for each kind;
`GivingInstance.dirt` says which. Each is a copy of a clean row with ids of its own and one thing wrong. In both tables:
``repeated_row`` (the very row once more), ``duplicate_id`` (another row's id, with one piece more), ``absurd_quantity``
(1e14), ``no_quantity`` (0), ``wrong_unit``, ``swapped_coordinates``, ``wrong_area_code`` (far away),
``damaged_area_code`` (as a spreadsheet shows a large number), ``personal_id`` (household or donor id in the form of a
citizen's id, of a 30 February), ``empty_cell`` (no item), ``bad_date`` (a 30 February). In the needs also
``duplicate_household`` (the same household and item under another id), ``unapproved``, ``notice_running``,
``objected``; in the donations ``expired``.
"""

from __future__ import annotations

from aidmatch.synthetic.care import CareInstance, county_care, liaocheng_2017_care, next_quarter, toy_care
from aidmatch.synthetic.dirt import DIRT_SHARE
from aidmatch.synthetic.giving import GivingInstance, county, liaocheng_2017, province, toy
from aidmatch.synthetic.tables import Instance, Table

__all__ = [
    "DIRT_SHARE",
    "CareInstance",
    "GivingInstance",
    "Instance",
    "Table",
    "county",
    "county_care",
    "liaocheng_2017",
    "liaocheng_2017_care",
    "next_quarter",
    "province",
    "toy",
    "toy_care",
]
