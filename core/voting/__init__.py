"""One ballot for all: who votes (`voters`), votes counted (`counting`), channels elected (`election`)."""

from core.voting.counting import WEIGHTINGS as WEIGHTINGS
from core.voting.counting import Ballot as Ballot
from core.voting.counting import Voter as Voter
from core.voting.counting import Votes as Votes
from core.voting.counting import ballot_of as ballot_of
from core.voting.counting import revote as revote
from core.voting.counting import similarity_weights as similarity_weights
from core.voting.counting import votes as votes
from core.voting.election import elect as elect
from core.voting.election import select as select
from core.voting.election import standing as standing
from core.voting.voters import at_random as at_random
from core.voting.voters import check_k as check_k
from core.voting.voters import pick_voters as pick_voters
