// SPDX-License-Identifier: Apache-2.0
#include "budget/instance_classes.hpp"

#include <algorithm>
#include <array>

#include <fmt/format.h>

namespace headroom::budget {
namespace {

constexpr std::uint64_t gib = 1024ULL * 1024 * 1024;

struct size_row {
    std::string_view word;
    std::uint32_t vcpus;
};

// Of families whose memory is a multiple of their vCPUs.
constexpr std::array<size_row, 9> sizes{{{"large", 2},
                                         {"xlarge", 4},
                                         {"2xlarge", 8},
                                         {"4xlarge", 16},
                                         {"8xlarge", 32},
                                         {"12xlarge", 48},
                                         {"16xlarge", 64},
                                         {"24xlarge", 96},
                                         {"32xlarge", 128}}};

struct family_row {
    std::string_view name;
    std::uint32_t gib_per_vcpu;
    std::uint32_t vcpus_max;
};

// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/Concepts.DBInstanceClass.Summary.html
constexpr std::array<family_row, 12> rds_families{{{"db.m5", 4, 96},
                                                   {"db.m6g", 4, 64},
                                                   {"db.m6i", 4, 128},
                                                   {"db.m7g", 4, 64},
                                                   {"db.m7i", 4, 96},
                                                   {"db.m8g", 4, 96},
                                                   {"db.r5", 8, 96},
                                                   {"db.r6g", 8, 64},
                                                   {"db.r6i", 8, 128},
                                                   {"db.r7g", 8, 64},
                                                   {"db.r7i", 8, 96},
                                                   {"db.r8g", 8, 96}}};

struct burstable_row {
    std::string_view size;
    std::uint32_t vcpus;
    std::uint32_t memory_gib;
};
constexpr std::array<std::string_view, 2> burstable_families{"db.t3", "db.t4g"};
constexpr std::array<burstable_row, 6> burstable_sizes{{{"micro", 2, 1},
                                                        {"small", 2, 2},
                                                        {"medium", 2, 4},
                                                        {"large", 2, 8},
                                                        {"xlarge", 4, 16},
                                                        {"2xlarge", 8, 32}}};

rds_class make_class(std::string_view family, std::string_view size, std::uint32_t vcpus,
                     std::uint64_t memory_gib) {
    const std::uint64_t memory = memory_gib * gib;
    const std::uint64_t left = memory / 100 * 88;  // see the header
    return {.name = fmt::format("{}.{}", family, size),
            .memory_bytes = memory,
            .vcpus = vcpus,
            .max_connections = connection_count(
                std::min(left / rds_bytes_per_connection, rds_default_connections_max))};
}

struct node_row {
    std::string_view name;
    std::uint32_t memory_mib;
};

// https://docs.aws.amazon.com/AmazonElastiCache/latest/dg/CacheNodes.SupportedTypes.html and the
// price list's memory. Generations of a letter and size differ little: the newest listed counts.
constexpr std::array<node_row, 17> node_sizes{{{"t.micro", 512},
                                               {"t.small", 1403},
                                               {"t.medium", 3164},
                                               {"m.large", 6533},
                                               {"m.xlarge", 13240},
                                               {"m.2xlarge", 26665},
                                               {"m.4xlarge", 53514},
                                               {"m.8xlarge", 106168},
                                               {"m.12xlarge", 160891},
                                               {"m.16xlarge", 214579},
                                               {"r.large", 13384},
                                               {"r.xlarge", 26952},
                                               {"r.2xlarge", 54088},
                                               {"r.4xlarge", 108349},
                                               {"r.8xlarge", 214579},
                                               {"r.12xlarge", 325396},
                                               {"r.16xlarge", 429148}}};
constexpr std::array<std::string_view, 8> node_families{"cache.t3",  "cache.t4g", "cache.m5",
                                                        "cache.m6g", "cache.m7g", "cache.r5",
                                                        "cache.r6g", "cache.r7g"};

}  // namespace

std::vector<rds_class> rds_family(std::string_view family) {
    std::vector<rds_class> all;
    if (std::ranges::find(burstable_families, family) != burstable_families.end()) {
        for (const auto& one : burstable_sizes)
            all.push_back(make_class(family, one.size, one.vcpus, one.memory_gib));
    }
    const auto row = std::ranges::find(rds_families, family, &family_row::name);
    if (row == rds_families.end()) return all;
    for (const auto& one : sizes) {
        if (one.vcpus > row->vcpus_max) break;
        all.push_back(make_class(family, one.word, one.vcpus, one.vcpus * row->gib_per_vcpu));
    }
    return all;
}

std::optional<rds_class> find_rds_class(std::string_view name) {
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    for (auto& one : rds_family(name.substr(0, dot)))
        if (one.name == name) return std::move(one);
    return std::nullopt;
}

std::optional<rds_class> smallest_rds_class(std::string_view family, connection_count wanted) {
    for (auto& one : rds_family(family))
        if (one.max_connections >= wanted) return std::move(one);
    return std::nullopt;
}

std::optional<elasticache_node> find_elasticache_node(std::string_view name) {
    const auto dot = name.rfind('.');
    if (dot == std::string_view::npos) return std::nullopt;
    const auto family = name.substr(0, dot);
    if (std::ranges::find(node_families, family) == node_families.end()) return std::nullopt;
    const auto letter = family.substr(std::string_view("cache.").size(), 1);
    const auto size = fmt::format("{}.{}", letter, name.substr(dot + 1));
    const auto row = std::ranges::find(node_sizes, size, &node_row::name);
    if (row == node_sizes.end()) return std::nullopt;
    return elasticache_node{.name = std::string(name),
                            .memory_bytes = row->memory_mib * 1024ULL * 1024,
                            .maxclients = elasticache_maxclients};
}

}  // namespace headroom::budget
