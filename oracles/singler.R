# Fixture of the second opinion of annotate: SingleR (Debian 12: 2.0) on profiles and cells made up here. SingleR runs in a process of its own; nothing of it is in Morula.
#
# Run: Rscript oracles/singler.R   (writes tests/models/fixtures/singler.csv; needs the Debian packages of group oracles)
# Each label has one profile, the mean of its cells, so that SingleR's quantile over a label's samples is that one's correlation.
suppressMessages(library(SingleR))

folder <- commandArgs(trailingOnly = FALSE)
folder <- sub("^--file=", "", folder[grepl("^--file=", folder)])
folder <- file.path(dirname(normalizePath(folder)), "..", "tests", "models", "fixtures")
dir.create(folder, showWarnings = FALSE, recursive = TRUE)

set.seed(3)
n_genes <- 120
n_labels <- 5
markers <- 6
margin <- 0.05
base <- rgamma(n_genes, 0.8, 1)
# Labels 4 and 5 are kinds of one type: they differ in few genes, so that fine tuning has something to do.
rate <- sapply(seq_len(n_labels), function(label) base * exp(rnorm(n_genes, 0, 0.9)))
rate[, 5] <- rate[, 4] * exp(ifelse(seq_len(n_genes) %% 8 == 0, rnorm(n_genes, 0, 1), 0))
draw <- function(label, n) matrix(log1p(rpois(n_genes * n, rate[, label] * 1.5)), n_genes)
reference <- sapply(seq_len(n_labels), function(label) rowMeans(draw(label, 40)))
truth <- rep(seq_len(n_labels), 16)
query <- do.call(cbind, lapply(truth, draw, n = 1))
rownames(reference) <- rownames(query) <- paste0("g", seq_len(n_genes))
colnames(query) <- paste0("c", seq_along(truth))

text <- function(x) formatC(x, digits = 9, format = "g", width = 1)
reference <- apply(reference, 2, function(x) as.numeric(text(x)))
query <- apply(query, 2, function(x) as.numeric(text(x)))
rownames(reference) <- rownames(query) <- paste0("g", seq_len(n_genes))
trained <- trainSingleR(reference, paste0("l", seq_len(n_labels)), genes = "de", de.method = "classic", de.n = markers)
found <- classifySingleR(query, trained, fine.tune = TRUE, tune.thresh = margin, prune = FALSE)
first <- classifySingleR(query, trained, fine.tune = FALSE, prune = FALSE)

number <- function(label) as.integer(sub("l", "", label)) - 1L
lines <- sprintf("# SingleR %s, R %s.%s; %d markers a pair of labels, margin %s; oracles/singler.R", packageVersion("SingleR"), R.version$major, R.version$minor, markers, margin)
for (label in seq_len(n_labels)) lines <- c(lines, paste("profile", label - 1, paste(text(reference[, label]), collapse = ","), sep = ","))
for (cell in seq_along(truth)) lines <- c(lines, paste("cell", paste(text(query[, cell]), collapse = ","), sep = ","))
for (cell in seq_along(truth)) {
  lines <- c(lines, paste("called", number(first$labels[cell]), number(found$labels[cell]), paste(text(found$scores[cell, paste0("l", seq_len(n_labels))]), collapse = ","), sep = ","))
}
writeLines(lines, file.path(folder, "singler.csv"))
