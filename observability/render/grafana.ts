import {
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type DataSourceRef,
  type Threshold,
} from '@grafana/grafana-foundation-sdk/dashboard';
import {
  BigValueGraphMode,
  ReduceDataOptionsBuilder,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  StackingConfigBuilder,
  StackingMode,
  VizTooltipOptionsBuilder,
  TooltipDisplayMode,
} from '@grafana/grafana-foundation-sdk/common';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import type { Dashboard, Panel, Thresholds, Unit } from '../description/panel';

/** The source is chosen at the top of each dashboard. */
const SOURCE: DataSourceRef = { type: 'prometheus', uid: '${datasource}' };

/** Size of a panel: columns of the 24 of a dashboard, and rows of 30 pixels. */
const STAT_SIZE = { width: 4, height: 4 };
const LINES_SIZE = { width: 8, height: 8 };

const GRAFANA_UNITS: Partial<Record<Unit, string>> = { bool: 'bool_yes_no' };

/** One dashboard as the JSON that Grafana imports, indented. */
export function renderDashboard({ uid, title, description, rows }: Dashboard): string {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['holdfast'])
    .time({ from: 'now-3h', to: 'now' })
    .refresh('30s')
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  for (const row of rows) {
    builder.withRow(new RowBuilder(row.title));
    for (const panel of row.panels) builder.withPanel(panelOf(panel));
  }
  return JSON.stringify(builder.build(), null, 2);
}

function panelOf(panel: Panel): StatBuilder | TimeseriesBuilder {
  const builder = panel.kind === 'stat' ? statOf(panel) : linesOf(panel);
  builder
    .title(panel.title)
    .description(panel.description)
    .datasource(SOURCE)
    .unit(GRAFANA_UNITS[panel.unit] ?? panel.unit);
  if (panel.thresholds !== undefined) builder.thresholds(thresholdsOf(panel.thresholds));
  panel.queries.forEach(({ expr, legend }, index) => {
    const query = new DataqueryBuilder()
      .expr(expr)
      .legendFormat(legend)
      .datasource(SOURCE)
      .refId(refOf(index));
    builder.withTarget(panel.kind === 'stat' ? query.instant() : query.range());
  });
  return builder;
}

const statOf = (_panel: Panel): StatBuilder =>
  new StatBuilder()
    .span(STAT_SIZE.width)
    .height(STAT_SIZE.height)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']));

function linesOf({ stacked, thresholds }: Panel): TimeseriesBuilder {
  const builder = new TimeseriesBuilder()
    .span(LINES_SIZE.width)
    .height(LINES_SIZE.height)
    .min(0)
    .lineWidth(1)
    .fillOpacity(stacked === true ? 40 : 10)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi));
  if (stacked === true) builder.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  if (thresholds !== undefined)
    builder.thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));
  return builder;
}

/* The first step has no value: it applies to all numbers below the second step. */
function thresholdsOf({ warn, bad, below }: Thresholds): ThresholdsConfigBuilder {
  const worst: Threshold = { value: bad, color: 'red' };
  const middle: Threshold[] = warn === undefined ? [] : [{ value: warn, color: 'yellow' }];
  const rising: Threshold[] = [{ value: null, color: 'green' }, ...middle, worst];
  const top = warn ?? bad;
  const falling: Threshold[] = [
    { value: null, color: 'red' },
    ...(warn === undefined ? [] : [{ value: bad, color: 'yellow' }]),
    { value: top, color: 'green' },
  ];
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(below === true ? falling : rising);
}

const refOf = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index);
