// The I/O fault campaign (support/fault_campaign.hpp).
#include <doctest/doctest.h>

#include "support/fault_campaign_runs.hpp"

TEST_CASE_TEMPLATE("whatever call fails, a workload ends as the documentation says", Config,
                   FAULT_CAMPAIGN_MAPS) {
    fault_campaign::check_campaign<Config>(2, 4); // chosen calls
}

TEST_SUITE("long") {
    TEST_CASE_TEMPLATE("whatever call of all fails, a workload ends as the documentation says",
                       Config, FAULT_CAMPAIGN_MAPS) {
        fault_campaign::check_campaign<Config>(0, 2);
    }
}
