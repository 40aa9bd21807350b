#include "morula/analysis/cnv_changes.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace morula::analysis {
namespace {

constexpr double kSameShare = 0.5;
constexpr double kSameShift = 0.5;
constexpr double kSameClone = 0.7;

using Spans = std::vector<CnvSpan>;
using Clones = std::map<std::string, Spans>;

Clones by_clone(std::span<const CnvSpan> spans) {
    Clones clones;
    for (const CnvSpan& span : spans) clones[span.clone].push_back(span);
    return clones;
}

double length(const CnvSpan& span) { return static_cast<double>(span.end - span.start + 1); }

/// Bases that both hold.
double overlap(const CnvSpan& a, const CnvSpan& b) {
    if (a.chromosome != b.chromosome) return 0.0;
    return std::max(0.0, static_cast<double>(std::min(a.end, b.end) - std::max(a.start, b.start) + 1));
}

struct Likeness {
    double share = 0.0;
    double mean = std::numeric_limits<double>::quiet_NaN();
};
/// How a clone looks where `span` lies.
Likeness look(const CnvSpan& span, const Spans& clone) {
    double same = 0.0, seen = 0.0, sum = 0.0;
    for (const CnvSpan& other : clone) {
        const double bases = overlap(span, other);
        if (other.state == span.state) same += bases;
        if (std::isnan(other.mean)) continue;
        seen += bases;
        sum += bases * other.mean;
    }
    Likeness out;
    out.share = same / length(span);
    if (seen > 0.0) out.mean = sum / seen;
    return out;
}

CnvSpanChange judge(const CnvSpan& span, const Clones& others, CnvVerdict otherwise) {
    CnvSpanChange change{span, otherwise, 0.0, std::numeric_limits<double>::quiet_NaN()};
    const double sign = static_cast<double>(static_cast<int>(span.state));
    for (const auto& [name, clone] : others) {
        const Likeness like = look(span, clone);
        change.share_in_other = std::max(change.share_in_other, like.share);
        if (!std::isnan(like.mean) && (std::isnan(change.mean_in_other) || sign * like.mean > sign * change.mean_in_other)) change.mean_in_other = like.mean;
    }
    if (change.share_in_other >= kSameShare) change.verdict = CnvVerdict::kept;
    else if (sign * change.mean_in_other >= kSameShift * std::abs(span.mean)) change.verdict = CnvVerdict::unclear;
    return change;
}

double changed_bases(const Spans& clone) {
    double sum = 0.0;
    for (const CnvSpan& span : clone) sum += span.state == CopyState::neutral ? 0.0 : length(span);
    return sum;
}

double shared_bases(const Spans& a, const Spans& b) {
    double sum = 0.0;
    for (const CnvSpan& one : a) {
        for (const CnvSpan& other : b) {
            if (one.state != CopyState::neutral && one.state == other.state) sum += overlap(one, other);
        }
    }
    return sum;
}

CnvCloneChange judge_clone(const std::string& name, const Spans& clone, const Clones& others, CnvVerdict otherwise) {
    CnvCloneChange change{name, otherwise, "", 0.0, 0.0};
    for (const auto& [other_name, other] : others) {
        const double shared = shared_bases(clone, other);
        const double either = changed_bases(clone) + changed_bases(other) - shared;
        const double similarity = either > 0.0 ? shared / either : 0.0;
        if (!change.nearest.empty() && similarity <= change.similarity) continue;
        change.nearest = other_name;
        change.similarity = similarity;
        change.inherited = changed_bases(other) > 0.0 ? shared / changed_bases(other) : 0.0;
    }
    if (change.similarity >= kSameClone) change.verdict = CnvVerdict::kept;
    return change;
}

}  // namespace

std::string_view verdict_name(CnvVerdict verdict) {
    switch (verdict) {
        case CnvVerdict::kept: return "kept";
        case CnvVerdict::added: return "new";
        case CnvVerdict::gone: return "gone";
        case CnvVerdict::unclear: return "unclear";
    }
    return "";
}

CnvChanges compare_samples(std::span<const CnvSpan> before, std::span<const CnvSpan> now) {
    const Clones clones_before = by_clone(before);
    const Clones clones_now = by_clone(now);
    CnvChanges changes;
    for (const CnvSpan& span : now) {
        if (span.state != CopyState::neutral) changes.spans.push_back(judge(span, clones_before, CnvVerdict::added));
    }
    for (const CnvSpan& span : before) {
        if (span.state == CopyState::neutral) continue;
        const CnvSpanChange change = judge(span, clones_now, CnvVerdict::gone);
        if (change.verdict != CnvVerdict::kept) changes.spans.push_back(change);
    }
    for (const auto& [name, clone] : clones_now) changes.clones.push_back(judge_clone(name, clone, clones_before, CnvVerdict::added));
    for (const auto& [name, clone] : clones_before) {
        const CnvCloneChange change = judge_clone(name, clone, clones_now, CnvVerdict::gone);
        if (change.verdict != CnvVerdict::kept) changes.clones.push_back(change);
    }
    return changes;
}

}  // namespace morula::analysis
