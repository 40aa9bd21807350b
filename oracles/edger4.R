# Fixtures of the recipe edger-4: edgeR 4.4 (Debian 13) on the cohorts of oracles/edger.R. edgeR runs in a process of its own; nothing of it is in Morula.
#
# Run: scripts/oracles edger4   (in a chroot of Debian 13 where this system's edgeR is older; writes tests/analysis/fixtures/edger4/)
# For each cohort, from the counts and designs in fixtures/edger: NAME.scalars.csv, NAME.genes.csv (one kept gene a line); "sparse", whose counts and design
# stand here too. squeeze.csv and lowess.csv: limma. Numbers have 15 digits.
suppressMessages(library(edgeR))
stopifnot(packageVersion("edgeR") >= "4.4", packageVersion("edgeR") < "5")

fixtures <- commandArgs(trailingOnly = FALSE)
fixtures <- sub("^--file=", "", fixtures[grepl("^--file=", fixtures)])
fixtures <- file.path(dirname(normalizePath(fixtures)), "..", "tests", "analysis", "fixtures")
folder <- file.path(fixtures, "edger4")
dir.create(folder, showWarnings = FALSE, recursive = TRUE)
versions <- sprintf("# edgeR %s, limma %s, R %s.%s", packageVersion("edgeR"), packageVersion("limma"), R.version$major, R.version$minor)

digits <- function(x) formatC(x, digits = 15, format = "g", width = 1)
write_rows <- function(name, header, rows) writeLines(c(versions, paste("#", header), rows), file.path(folder, name))
read_rows <- function(name) as.matrix(read.csv(file.path(fixtures, if (startsWith(name, "sparse")) "edger4" else "edger", name), header = FALSE, comment.char = "#"))

fit_cohort <- function(name) {
  counts <- read_rows(paste0(name, ".counts.csv"))
  samples <- read_rows(paste0(name, ".design.csv"))
  design <- unname(samples[, -(1:3)])
  coef <- if (name == "sparse") 2 else read_rows(paste0(name, ".scalars.csv"))[1] + 1
  y <- DGEList(unname(counts[, -1]))
  keep <- counts[, 1] == 1
  stopifnot(name == "sparse" || all(keep == filterByExpr(y, design)))
  y <- normLibSizes(y[keep, , keep.lib.sizes = FALSE])
  stopifnot(max(abs(y$samples$norm.factors - samples[, 2])) < 1e-12)
  fit <- glmQLFit(y, design)
  test <- glmQLFTest(fit, coef = coef)
  # p as glmQLFTest computes it, but as a logarithm.
  log_p <- pf(test$table$F, 1, test$df.total, lower.tail = FALSE, log.p = TRUE) / log(10)
  stopifnot(max(abs(log10(test$table$PValue) - log_p)[test$table$PValue > 1e-290]) < 1e-9)
  write_rows(paste0(name, ".scalars.csv"), "negative-binomial dispersion, average quasi-dispersion, prior df",
             paste(digits(fit$dispersion[1]), digits(fit$average.ql.dispersion), digits(fit$df.prior[1]), sep = ","))
  write_rows(paste0(name, ".genes.csv"), "average log2 CPM, adjusted deviance, adjusted residual df, prior variance, posterior variance, log2 fold change, F, total df, log10 p",
             paste(digits(aveLogCPM(y)), digits(fit$deviance.adj), digits(fit$df.residual.adj), digits(rep_len(fit$s2.prior, nrow(y))), digits(fit$s2.post),
                   digits(test$table$logFC), digits(test$table$F), digits(test$df.total), digits(log_p), sep = ","))
  cat(sprintf("%s: %d genes, %d samples, dispersion %.4g, average quasi-dispersion %.4g, prior df %.3g\n", name, nrow(y), ncol(y), fit$dispersion[1], fit$average.ql.dispersion, fit$df.prior[1]))
}

# Sums of few cells: a third of the counts are 0, none is left out by filterByExpr. Rows as oracles/edger.R writes them.
set.seed(20)
n_genes <- 250
case <- rep(0:1, c(5, 4))
size <- exp(rnorm(9, 0, .5))
base <- exp(rnorm(n_genes, 1.2, 1.3))
counts <- matrix(rnbinom(n_genes * 9, mu = outer(base, size) * ifelse(seq_len(n_genes) %% 10 == 0, 3, 1)^rep(case, each = n_genes), size = 4 / rchisq(n_genes, 6) * 6), n_genes)
counts <- counts[rowSums(counts) >= 3, ]
design <- model.matrix(~case)
y <- normLibSizes(DGEList(counts))
write_rows("sparse.counts.csv", "kept, then the counts of each sample", paste(1, apply(counts, 1, paste, collapse = ","), sep = ","))
write_rows("sparse.design.csv", "library size, normalisation factor, the same again, design row",
           paste(digits(y$samples$lib.size), digits(y$samples$norm.factors), digits(y$samples$norm.factors), apply(design, 1, function(row) paste(digits(row), collapse = ",")), sep = ","))

for (name in c("sparse", "two_groups", "paired", "covariates", "few_genes", "poisson", "one_df", "many")) fit_cohort(name)

# The same counts, designs and contrasts as oracles/edger.R has for several levels.
fit_levels <- function(name) {
  counts <- read_rows(paste0(name, ".counts.csv"))
  samples <- read_rows(paste0(name, ".design.csv"))
  contrasts <- read_rows(paste0(name, ".contrasts.csv"))
  y <- DGEList(unname(counts[, -1]))
  y <- normLibSizes(y[counts[, 1] == 1, , keep.lib.sizes = FALSE])
  fit <- glmQLFit(y, unname(samples[, -(1:3)]))
  log10_p <- function(test, df) pf(test$table$F, df, test$df.total, lower.tail = FALSE, log.p = TRUE) / log(10)
  columns <- list()
  for (k in which(contrasts[, 1] == 0)) {
    test <- glmQLFTest(fit, contrast = contrasts[k, -1])
    columns <- c(columns, list(test$table$logFC, log10_p(test, 1)))
  }
  together <- glmQLFTest(fit, contrast = t(contrasts[contrasts[, 1] == 1, -1]))
  columns <- c(columns, list(together$table$F, log10_p(together, sum(contrasts[, 1] == 1))))
  stopifnot(max(abs(log10(together$table$PValue) - columns[[length(columns)]])[together$table$PValue > 1e-290]) < 1e-9)
  write_rows(paste0(name, ".tests.csv"), "log2 fold change and log10 p of each contrast of its own, then F and log10 p of all coefficients together", do.call(paste, c(lapply(columns, digits), sep = ",")))
  cat(sprintf("%s: %d genes, %d samples\n", name, nrow(y), ncol(y)))
}
for (name in c("three_levels", "three_paired", "four_levels", "three_poisson")) fit_levels(name)

# Squeezing of variances with unequal degrees of freedom alone (limma).
set.seed(21)
squeezes <- c()
for (n in c(12, 510)) for (prior in c(4, Inf)) {
  df <- exp(runif(n, log(.05), log(9)))
  covariate <- rnorm(n, 5, 2)
  s2 <- exp(.1 * covariate + .3 * sin(covariate)) * rf(n, df, prior)
  s2[3] <- 0
  df[4] <- 0
  squeezed <- squeezeVar(s2, df, covariate, legacy = FALSE)
  squeezes <- c(squeezes, paste(n, prior, digits(s2), digits(df), digits(covariate), digits(rep_len(squeezed$var.prior, n)), digits(squeezed$var.post), digits(rep_len(squeezed$df.prior, n)), sep = ","))
}
write_rows("squeeze.csv", "number of genes and true prior df of the set; variance, df, covariate; prior and posterior variance, prior df", squeezes)

x <- rnorm(300)
y <- sin(2 * x) + rt(300, 2) / 3
weight <- rexp(300) + .01
write_rows("lowess.csv", "x, y, weight; limma's weightedLowess with span .4, not robust; stats::lowess with span .5 and 3 robust rounds",
           paste(digits(x), digits(y), digits(weight), digits(weightedLowess(x, y, weight, span = .4, iterations = 1)$fitted),
                 digits(lowess(x, y, f = .5, iter = 3)$y[rank(x)]), sep = ","))
