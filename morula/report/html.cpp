#include "morula/report/html.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

#include <fmt/format.h>

namespace morula::report {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

/// Length of the well-formed UTF-8 sequence at `i` (RFC 3629: no overlongs, no surrogates, up to U+10FFFF), 0 when there is none.
std::size_t sequence_length(std::string_view text, std::size_t i) {
    const auto byte = [&](std::size_t k) { return static_cast<unsigned char>(text[k]); };
    const unsigned char lead = byte(i);
    if (lead < 0x80) return 1;
    const std::size_t length = lead >= 0xC2 && lead <= 0xDF ? 2 : (lead & 0xF0) == 0xE0 ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
    if (length == 0 || i + length > text.size()) return 0;
    for (std::size_t k = 1; k < length; ++k) {
        if ((byte(i + k) & 0xC0) != 0x80) return 0;
    }
    const unsigned char second = byte(i + 1);
    const bool overlong = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
    const bool out_of_range = (lead == 0xED && second >= 0xA0) || (lead == 0xF4 && second >= 0x90);
    return overlong || out_of_range ? 0 : length;
}

/// Calls `ascii(out, c)` for each printable ASCII character, copies longer sequences, and replaces what is neither.
template <class Ascii>
std::string transcode(std::string_view text, Ascii ascii) {
    std::string out;
    out.reserve(text.size() + text.size() / 8);
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = sequence_length(text, i);
        if (length == 1) {
            ascii(out, text[i]);
        } else if (length > 1) {
            out.append(text, i, length);
        } else {
            out += kReplacement;
        }
        i += std::max<std::size_t>(length, 1);
    }
    return out;
}

bool is_control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\t') || c == 0x7F; }

/// "1.50e-07" as "1.5e-7".
std::string short_power(std::string text) {
    const std::size_t e = text.find('e');
    std::string mantissa = text.substr(0, e), power = text.substr(e + 2);
    if (mantissa.find('.') != std::string::npos) {
        mantissa.erase(mantissa.find_last_not_of('0') + 1);
        if (mantissa.ends_with('.')) mantissa.pop_back();
    }
    power.erase(0, std::min(power.find_first_not_of('0'), power.size() - 1));
    return mantissa + (text[e + 1] == '-' ? "e-" : "e") + power;
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (static_cast<unsigned char>(c) & 0x80) != 0; }

std::string with_thousands(std::string digits) {
    const std::size_t start = digits.starts_with('-') ? 1 : 0;
    const std::size_t end = std::min(digits.find('.'), digits.size());
    for (std::size_t i = end; i > start + 3;) {
        i -= 3;
        digits.insert(i, 1, ',');
    }
    return digits;
}

HtmlTable without_empty_columns(const HtmlTable& table) {
    std::vector<std::size_t> kept;
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
        const bool filled = std::any_of(table.rows.begin(), table.rows.end(), [c](const auto& row) { return c < row.size() && !row[c].empty(); });
        if (c == 0 || filled) kept.push_back(c);
    }
    HtmlTable out = table;
    out.columns.clear();
    for (const std::size_t c : kept) out.columns.push_back(table.columns[c]);
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
        out.rows[r].clear();
        for (const std::size_t c : kept) out.rows[r].push_back(c < table.rows[r].size() ? table.rows[r][c] : std::string());
    }
    return out;
}

}  // namespace

std::string escape_html(std::string_view text) {
    return transcode(text, [](std::string& out, char c) {
        switch (c) {
            case '&': out += "&amp;"; break;
            case '<': out += "&lt;"; break;
            case '>': out += "&gt;"; break;
            case '"': out += "&quot;"; break;
            case '\'': out += "&#39;"; break;
            default: is_control(c) ? void(out += kReplacement) : out.push_back(c);
        }
    });
}

std::string json_string(std::string_view text) {
    std::string json = "\"";
    json += transcode(text, [](std::string& out, char c) {
        if (c == '"' || c == '\\') {
            out.push_back('\\');
            out.push_back(c);
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F || c == '<' || c == '>' || c == '&') {
            fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
        } else {
            out.push_back(c);
        }
    });
    json += '"';
    return json;
}

std::string base64(std::span<const std::byte> bytes) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t n = std::min<std::size_t>(3, bytes.size() - i);
        unsigned group = 0;
        for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < n ? std::to_integer<unsigned>(bytes[i + k]) : 0U);
        for (std::size_t k = 0; k < 4; ++k) out.push_back(k <= n ? kAlphabet[group >> (18 - 6 * k) & 63U] : '=');
    }
    return out;
}

std::string file_stem(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
        if (!plain) c = '_';
    }
    return out;
}

std::string count_text(std::int64_t count) { return with_thousands(std::to_string(count)); }

std::string number_text(double value, int digits) {
    if (std::isnan(value)) return "";
    if (std::isinf(value)) return value > 0 ? "∞" : "−∞";
    if (value == 0.0) return "0";
    const double size = std::abs(value);
    if (size < 1e-3 || size >= 1e7) return short_power(fmt::format("{:.{}e}", value, digits - 1));
    const int decimals = std::max(0, digits - 1 - static_cast<int>(std::floor(std::log10(size))));
    std::string text = fmt::format("{:.{}f}", value, decimals);
    if (text.find('.') != std::string::npos) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.ends_with('.')) text.pop_back();
    }
    return with_thousands(std::move(text));
}

std::string shortest_text(double value, int digits) {
    std::string text = fmt::format("{:.{}g}", value, digits);
    return std::isfinite(value) && text.find('e') != std::string::npos ? short_power(std::move(text)) : text;
}

std::string rounded_text(double value, int digits) {
    if (!std::isfinite(value) || value == 0.0) return number_text(value, digits);
    const double step = std::pow(10.0, static_cast<int>(std::floor(std::log10(std::abs(value)))) + 1 - digits);
    return number_text(step > 1.0 ? std::round(value / step) * step : value, digits);
}

std::string share_text(double share) {
    if (std::isnan(share)) return "";
    const double percent = share * 100.0;
    if (percent > 0.0 && percent < 0.1) return "under 0.1 %";
    if (percent < 99.95 && percent >= 99.5) return fmt::format("{:.1f} %", percent);
    return fmt::format("{:.{}f} %", percent, percent != 0.0 && percent < 10.0 ? 1 : 0);
}

std::string count_of(std::int64_t count, std::string_view singular) {
    return fmt::format("{} {}{}", count_text(count), singular, count == 1 ? "" : "s");
}

std::string unit_behind(std::string_view joint, std::string_view unit) {
    if (unit.empty() || unit == "1") return "";
    return std::string(joint) + unit_text(unit);
}

std::string unit_text(std::string_view unit) {
    std::string out;
    for (std::size_t i = 0; i < unit.size(); ++i) {
        const bool is_um = unit.substr(i).starts_with("um") && (i == 0 || !is_letter(unit[i - 1])) && (i + 2 == unit.size() || !is_letter(unit[i + 2]));
        if (!is_um) {
            out.push_back(unit[i]);
            continue;
        }
        out += "µm";
        i += 1;
        if (i + 1 < unit.size() && (unit[i + 1] == '2' || unit[i + 1] == '3')) out += unit[++i] == '2' ? "²" : "³";
    }
    return out;
}

std::string list_text(const std::vector<std::string>& items) {
    std::string out;
    for (std::size_t i = 0; i < items.size(); ++i) {
        if (i > 0) out += i + 1 == items.size() ? " and " : ", ";
        out += items[i];
    }
    return out;
}

std::string table_html(const HtmlTable& whole) {
    const HtmlTable table = without_empty_columns(whole);
    std::string out = fmt::format("<div class=\"table-scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{0}\"><table data-file=\"{1}\"{2}><caption{3}>{0}</caption><thead><tr>",
                                  escape_html(table.caption), file_stem(table.file), table.columns.size() > 8 ? " class=\"dense\"" : "", table.caption_unseen ? " class=\"unseen\"" : "");
    const auto align = [&](std::size_t column) { return table.columns[column].align == Align::number ? " class=\"num\"" : ""; };
    for (std::size_t c = 0; c < table.columns.size(); ++c) {
        fmt::format_to(std::back_inserter(out), "<th scope=\"col\"{}>{}</th>", align(c), escape_html(table.columns[c].title));
    }
    out += "</tr></thead><tbody>";
    for (std::size_t r = 0; r < table.rows.size(); ++r) {
        out += "<tr>";
        for (std::size_t c = 0; c < table.columns.size(); ++c) {
            std::string text = escape_html(table.rows[r][c]);
            if (c == 0 && !table.row_links.empty()) text = fmt::format("<a href=\"{}\">{}</a>", escape_html(table.row_links[r]), text);
            if (c == 0) {
                fmt::format_to(std::back_inserter(out), "<th scope=\"row\"{}>{}</th>", align(c), text);
            } else {
                fmt::format_to(std::back_inserter(out), "<td{}>{}</td>", align(c), text);
            }
        }
        out += "</tr>";
    }
    return out + "</tbody></table></div>\n";
}

}  // namespace morula::report
