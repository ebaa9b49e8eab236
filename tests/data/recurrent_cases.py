"""The calls of recurrent layers that `make_layers` asks TensorFlow 1.15 for.

Lines are written as in `layer_cases`.
"""

CASES = """
SimpleRNN(3) @ 2?x4x2
SimpleRNN(3, unroll=True, return_sequences=True, go_backwards=True) @ 2x3x2
SimpleRNN(3, unroll=True) @ 2x3x2 @ masked
SimpleRNN(3, return_sequences=True, use_bias=False, activation='relu') @ 2x3?x2
SimpleRNN(3, return_sequences=True, go_backwards=True) @ 2?x4x2 @ masked
SimpleRNN(3, kernel_regularizer='l2', recurrent_regularizer='l1') @ 2x3x2
SimpleRNN(3, bias_regularizer='l2', activity_regularizer='l1') @ 2x3x2
SimpleRNN(3, dropout=0.3, recurrent_dropout=0.4) @ 3x3x4 @ training=True
SimpleRNN(3, dropout=0.3, unroll=True) @ 3x2x4 @ training=True
SimpleRNN(3, stateful=True) @ 2x3x2
SimpleRNN(3, stateful=True) @ 2?x3x2
SimpleRNN(3, unroll=True) @ 2x3?x2
SimpleRNN(3) @ 2x3
SimpleRNN(3, input_dim=2, name='top') @ 2x4x2 @ initial_state=tf.ones([2, 3])
SimpleRNN(3, trainable=False, input_dim=2, input_length=3) @ 2x3x2
GRU(3) @ 2?x4x2
GRU(3, unroll=True) @ 2x2x2
GRU(3, unroll=True, implementation=2) @ 2x2x2 @ masked
GRU(3, implementation=2, reset_after=True, unroll=True) @ 2x2x2
GRU(3, implementation=1, reset_after=True, unroll=True) @ 2x2x2
GRU(3, implementation=1, reset_after=True, use_bias=False) @ 2x3x2
GRU(3, dropout=0.3, recurrent_dropout=0.4) @ 2x3x4 @ training=True
GRU(3, dropout=0.3, recurrent_dropout=0.4, implementation=2) @ 2x3x4 @ training=True
GRU(3, return_sequences=True, recurrent_activation='sigmoid') @ 2?x3?x2 @ masked
LSTM(3) @ 2?x4x2
LSTM(3, unroll=True) @ 2x2x2
LSTM(3, unroll=True, implementation=2, unit_forget_bias=False) @ 2x2x2
LSTM(3, return_sequences=True, go_backwards=True) @ 2?x4x2 @ masked
LSTM(3, time_major=True, return_sequences=True) @ 4x2?x2
LSTM(3, zero_output_for_mask=True, return_sequences=True) @ 2x4x2 @ masked
LSTM(3, zero_output_for_mask=True, return_sequences=True, unroll=True) @ 2x4x2 @ masked
LSTM(3, dropout=0.3, recurrent_dropout=0.4) @ 2x3x4 @ training=True
LSTM(3, dropout=0.3, recurrent_dropout=0.4, implementation=2) @ 2x3x4 @ training=True
LSTM(3, dropout=0.3) @ 2x3x4
LSTM(3, stateful=True, return_sequences=True) @ 2x3x2
LSTM(3) @ 2x3x2 @ initial_state=[tf.ones([2, 3]), tf.zeros([2, 3])]
LSTM(3) @ 2x3x2 @ initial_state=[tf.ones([2, 3])]
LSTM(3) @ 2x3x2 2x3 2x3
LSTM(3, kernel_initializer='he_normal', recurrent_constraint='unit_norm') @ 2x3x2
RNN(SimpleRNNCell(3)) @ 2?x3x2
RNN(GRUCell(3, reset_after=True), return_sequences=True, unroll=True) @ 2x2x2 @ masked
RNN([LSTMCell(3), GRUCell(2)], return_sequences=True) @ 2?x3x2
RNN([SimpleRNNCell(3), LSTMCell(2)], unroll=True) @ 2x2x2
RNN(StackedRNNCells([LSTMCell(3), LSTMCell(2)], reverse_state_order=True)) @ 2x3x2
RNN(StackedRNNCells([LSTMCell(3), LSTMCell(3)], reverse_state_order=True)) @ 2x3x2
RNN(SimpleRNNCell(3)) @ 2x3x2 @ constants=[tf.ones([2, 3])]
RNN(SimpleRNNCell(3, dropout=0.5)) @ 2x3x4 @ training=True
RNN(keras.experimental.PeepholeLSTMCell(3)) @ 2?x3x2
RNN(keras.experimental.PeepholeLSTMCell(3, implementation=2), unroll=True) @ 2x2x2
RNN(Dense(3)) @ 2x3x2
RNN(3) @ 2x3x2
v2.LSTM(3) @ 2?x4x2
v2.LSTM(3, return_sequences=True, go_backwards=True) @ 2x4x2 @ masked
v2.LSTM(3, dropout=0.3) @ 2x3x4 @ training=True
v2.LSTM(3, dropout=0.3, recurrent_dropout=0.2) @ 2x3x4 @ training=True
v2.LSTM(3, activation='relu', unroll=True) @ 2x2x4
v2.GRU(3) @ 2?x4x2
v2.GRU(3, reset_after=False, time_major=True) @ 4x2x2
v2.GRU(3, dropout=0.3, return_sequences=True) @ 2x3x4 @ training=True
RNN(v2.GRUCell(3)) @ 2x3x2
RNN(v2.LSTMCell(3)) @ 2x3x2
TimeDistributed(LSTM(3)) @ 2?x2x3x2
TimeDistributed(LSTM(3)) @ 2x2x3x2
Bidirectional(LSTM(3)) @ 2?x3x2
Bidirectional(SimpleRNN(3, unroll=True, return_sequences=True)) @ 2x2x2 @ masked
Bidirectional(GRU(3, return_sequences=True), merge_mode='sum') @ 2?x3x2 @ masked
Bidirectional(GRU(3, return_sequences=True), merge_mode='mul') @ 2x3x2
Bidirectional(SimpleRNN(3, unroll=True), merge_mode='ave', name='both') @ 2x2x2
Bidirectional(LSTM(3)) @ 2x3x2 @ initial_state=[tf.ones([2, 3])] * 4
Bidirectional(LSTM(3)) @ 2x3x2 @ initial_state=[tf.ones([2, 3])] * 3
Bidirectional(LSTM(3, kernel_regularizer='l2', dropout=0.2)) @ 2x3x2 @ training=True
Bidirectional(RNN([LSTMCell(3), GRUCell(2)])) @ 2x3x2
Bidirectional(LSTM(3), backward_layer=GRU(3, go_backwards=True)) @ 2x3x2
Bidirectional(LSTM(3), backward_layer=GRU(3)) @ 2x3x2
Bidirectional(LSTM(3), merge_mode='other') @ 2x3x2
Bidirectional(v2.LSTM(3, time_major=True, return_sequences=True)) @ 3x2x2
ConvLSTM2D(2, 2) @ 1x2x3x3x2
ConvLSTM2D(2, (2, 1), padding='same', return_sequences=True) @ 1?x2x3x3x2 @ masked
ConvLSTM2D(2, 3, padding='same', data_format='channels_first') @ 1?x2x2x3x3
ConvLSTM2D(2, 2, strides=2, recurrent_dropout=0.3) @ 1x2x4x4x1 @ training=True
ConvLSTM2D(2, 2, dilation_rate=2, use_bias=False, go_backwards=True) @ 1x2x4x4x1
ConvLSTM2D(2, 2, stateful=True, return_sequences=True) @ 1x2x3x3x2
ConvLSTM2D(2, 2) @ 1x2x3x3x2?
ConvLSTM2D(2, 2, unroll=True) @ 1x2x3x3x2
"""

CASES = [line for line in CASES.strip().splitlines() if line.strip()]
